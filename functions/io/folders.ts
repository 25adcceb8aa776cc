import { type FSWatcher, watch } from 'node:fs';
import type { Folder } from './walk.ts';

/** Told of a change in a folder: its real path, and the name that changed, where the system says it. */
export type Notice = (folder: string, name: string | null) => void;

/** Watches folders one by one: Node's recursive watch on Linux loses a link that is put in place of another, which is how Kubernetes updates a volume. */
export class FolderWatch {
  readonly #watchers = new Map<string, { readonly watcher: FSWatcher; readonly id: string }>();
  readonly #notice: Notice;

  /** `notice` is called for every change of a name or a file in a folder. */
  constructor(notice: Notice) {
    this.#notice = notice;
  }

  /**
   * Watches exactly these folders from now on. True where one is new, or another one in its place: what changed in it before was not noticed, so it
   * is to be read again. A folder that can't be watched (gone, or too few watches of the system) is left to the poll.
   */
  follow(folders: readonly Folder[]): boolean {
    const wanted = new Map(folders.map(({ path, id }) => [path, id]));
    for (const [path, { id }] of [...this.#watchers]) if (wanted.get(path) !== id) this.#end(path);
    const before = this.#watchers.size;
    for (const [path, id] of wanted) if (!this.#watchers.has(path)) this.#begin(path, id);
    return this.#watchers.size > before;
  }

  /** How many folders are watched. */
  get size(): number {
    return this.#watchers.size;
  }

  close(): void {
    for (const path of [...this.#watchers.keys()]) this.#end(path);
  }

  #begin(path: string, id: string): void {
    try {
      const watcher = watch(path, { persistent: false }, (_, name) => this.#notice(path, name));
      watcher.on('error', () => this.#end(path));
      this.#watchers.set(path, { watcher, id });
    } catch {
      this.#watchers.delete(path);
    }
  }

  #end(path: string): void {
    this.#watchers.get(path)?.watcher.close();
    this.#watchers.delete(path);
  }
}
