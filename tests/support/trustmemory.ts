import { MemoryTrust } from '../../functions/cache/memory.ts';
import type { Fault } from '../../functions/codes.ts';
import type { RecordListener, RememberedTrust, TrustMemory } from '../../functions/ports.ts';

/** A memory that a test can look at, hold up, break, and write into as an operator does. */
export class ObservedMemory implements TrustMemory {
  inner = new MemoryTrust();
  /** What somebody wanted remembered, whatever came of it. */
  wanted: RememberedTrust[] = [];
  /** How much of it was. */
  writes = 0;
  broken: Fault | undefined;
  unwritable: Fault | undefined;
  before: (seen: RememberedTrust) => Promise<void> | void = () => undefined;
  tell: RecordListener = () => undefined;

  read(server: string, gun: string): Promise<RememberedTrust | undefined> {
    return this.broken === undefined ? this.inner.read(server, gun) : Promise.reject(this.broken);
  }

  async remember(
    seen: RememberedTrust,
    base: RememberedTrust | undefined,
    signal: AbortSignal,
  ): Promise<RememberedTrust> {
    this.wanted.push(seen);
    if (this.unwritable !== undefined) throw this.unwritable;
    await this.before(seen);
    signal.throwIfAborted();
    const record = await this.inner.remember(seen, base);
    this.writes += 1;
    return record;
  }

  listen(listener: RecordListener): void {
    this.tell = listener;
  }
}
