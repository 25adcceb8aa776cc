import { mkdir, open, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '../codes.ts';
import type { NotaryFiles, RepositoryAddress, RoleFile } from '../ports.ts';
import { TrustError } from '../trust/notary/error.ts';
import { rolePath } from './notary.ts';

/** Where a file of a repository lies in a folder of saved trust data: as a Notary server addresses it below `/v2/`. */
const placeOf = (folder: string, gun: string, file: RoleFile): string =>
  join(folder, ...rolePath(gun, file).split('/'));

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? (error as Error).message;

/**
 * Trust data out of a folder: `<gun>/_trust/tuf/<role>.json`, `<role>.<sha256>.json` and `<version>.<role>.json`. What is not there is
 * answered as a server does that has no such file, whatever server is asked and whoever asks.
 */
export class SavedTrust implements NotaryFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The bytes, under the plain name of the role too where no file of that hash lies there. Throws `TrustError` TRUST_TOO_LARGE and TRUST_MALFORMED, `Fault` TRUST_SERVER_ERROR. */
  async fetch({ gun }: RepositoryAddress, file: RoleFile): Promise<Uint8Array | undefined> {
    const { role, maxBytes } = file;
    const exact = await this.#read(placeOf(this.#folder, gun, file), file);
    if (exact !== undefined || file.sha256 === undefined) return exact;
    return this.#read(placeOf(this.#folder, gun, { role, maxBytes }), file);
  }

  async #read(path: string, { role, maxBytes }: RoleFile): Promise<Uint8Array | undefined> {
    try {
      await using file = await open(path, 'r');
      const { size } = await file.stat();
      if (size <= maxBytes) return await file.readFile();
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
      throw new Fault('TRUST_SERVER_ERROR', `${path} cannot be read (${codeOf(error)}).`, { cause: error });
    }
    throw new TrustError('TRUST_TOO_LARGE', `${role} is longer than the ${maxBytes} bytes that are read of it.`);
  }
}

/** A folder of saved trust data, or undefined where there is no such folder. */
export async function openSavedTrust(folder: string): Promise<SavedTrust | undefined> {
  const found = await stat(folder).catch(() => undefined);
  return found?.isDirectory() === true ? new SavedTrust(folder) : undefined;
}

/**
 * Keeps every file that another source gives in a folder that `SavedTrust` reads. A folder holds a repository of one server: `fetch` throws `Fault`
 * TRUST_SERVER_ERROR where another server is asked for the same name, or where the folder can't be written.
 */
export class TrustSaver implements NotaryFiles {
  readonly #files: NotaryFiles;
  readonly #folder: string;
  readonly #servers = new Map<string, string>();

  constructor(files: NotaryFiles, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  /** Names of the repositories that were asked for, sorted. */
  get repositories(): readonly string[] {
    return [...this.#servers.keys()].toSorted();
  }

  async fetch(address: RepositoryAddress, file: RoleFile, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const { gun, server } = address;
    const known = this.#servers.get(gun) ?? server;
    if (known !== server)
      throw new Fault('TRUST_SERVER_ERROR', `${gun} of ${known} is saved already; save that of ${server} apart.`);
    this.#servers.set(gun, server);
    const bytes = await this.#files.fetch(address, file, signal);
    if (bytes !== undefined) await this.#save(placeOf(this.#folder, gun, file), bytes);
    return bytes;
  }

  async #save(path: string, bytes: Uint8Array): Promise<void> {
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
    } catch (error) {
      throw new Fault('TRUST_SERVER_ERROR', `${path} cannot be written (${codeOf(error)}).`, { cause: error });
    }
  }
}
