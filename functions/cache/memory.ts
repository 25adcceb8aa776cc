import { LRUCache } from 'lru-cache';
import type { RememberedTrust, TrustMemory } from '../ports.ts';
import { mergeTrust } from '../trust/notary/remembered.ts';

/** Repositories remembered; one takes some 500 bytes. */
const DEFAULT_REPOSITORIES = 100_000;

const keyOf = (server: string, gun: string): string => JSON.stringify([server, gun]);

/** Remembers within this process only: the default of the embedded snapshot. The repositories longest not asked for go first when it is full. */
export class MemoryTrust implements TrustMemory {
  readonly #records: LRUCache<string, RememberedTrust>;

  constructor(repositories: number = DEFAULT_REPOSITORIES) {
    this.#records = new LRUCache({ max: repositories });
  }

  async read(server: string, gun: string): Promise<RememberedTrust | undefined> {
    return this.#records.get(keyOf(server, gun));
  }

  async remember(seen: RememberedTrust, base: RememberedTrust | undefined): Promise<RememberedTrust> {
    const key = keyOf(seen.server, seen.gun);
    const record = this.#records.get(key);
    const merged = mergeTrust(record, base, seen);
    if (record?.frozen === true) return record;
    this.#records.set(key, merged);
    return merged;
  }

  listen(): void {
    // Nobody else writes into this process.
  }
}
