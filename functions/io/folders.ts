import { type FSWatcher, watch } from 'node:fs';

/** Watches folders one by one: Node's recursive watch on Linux loses a link that is put in place of another, which is how Kubernetes updates a volume. */
export class FolderWatch {
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #notice: () => void;

  /** `notice` is called for every change of a name or a file in a folder. */
  constructor(notice: () => void) {
    this.#notice = notice;
  }

  /**
   * Watches exactly these folders from now on (real paths). True where one is new: what changed in it before was not noticed, so it is to be read
   * again. A folder that can't be watched (gone, or too few watches of the system) is left to the poll.
   */
  follow(folders: readonly string[]): boolean {
    for (const path of [...this.#watchers.keys()]) if (!folders.includes(path)) this.#end(path);
    const before = this.#watchers.size;
    for (const path of folders) if (!this.#watchers.has(path)) this.#begin(path);
    return this.#watchers.size > before;
  }

  close(): void {
    for (const path of [...this.#watchers.keys()]) this.#end(path);
  }

  #begin(path: string): void {
    try {
      const watcher = watch(path, { persistent: false }, () => this.#notice());
      watcher.on('error', () => this.#end(path));
      this.#watchers.set(path, watcher);
    } catch {
      this.#watchers.delete(path);
    }
  }

  #end(path: string): void {
    this.#watchers.get(path)?.close();
    this.#watchers.delete(path);
  }
}
