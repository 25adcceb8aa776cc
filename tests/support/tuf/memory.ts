import type { NotaryFiles, RepositoryAddress, RoleFile } from '../../../functions/ports.ts';
import { TrustError } from '../../../functions/trust/notary/error.ts';
import type { TestRepository } from './repository.ts';

/** Name under which a server keeps the file that is asked for. */
export function fileName(file: RoleFile): string {
  if (file.sha256 !== undefined) return `${file.role}.${file.sha256}`;
  return file.version === undefined ? file.role : `${file.version}.${file.role}`;
}

/** The files of a repository without a server between: what was asked for is in `asked`. */
export function filesOf(repository: TestRepository): NotaryFiles & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    fetch: (address: RepositoryAddress, file: RoleFile, signal: AbortSignal) => {
      signal.throwIfAborted();
      asked.push(fileName(file));
      const bytes = address.gun === repository.gun ? repository.files.get(fileName(file)) : undefined;
      if (bytes !== undefined && bytes.length > file.maxBytes)
        return Promise.reject(
          new TrustError('TRUST_TOO_LARGE', `${fileName(file)} is longer than ${file.maxBytes} bytes`),
        );
      return Promise.resolve(bytes);
    },
  };
}
