import type { Pair } from './issue.ts';
import type { State } from './plan.ts';

/** Where pairs and caBundle are kept. Every write that meets a newer state does nothing and answers false. */
export interface CertificateStore {
  /** The state as it stands; the caBundle is read first, so that whoever sees an authority there sees its pair too. */
  read(): Promise<State>;
  /** Stores the pair that is served; `resourceVersion` undefined: there must be none yet. `now` is noted as the time of serving. */
  serve(pair: Pair, resourceVersion: string | undefined, now: number): Promise<boolean>;
  /** Stores the next pair; there must be none yet. */
  prepare(pair: Pair): Promise<boolean>;
  /** Notes on the next pair that its authority is in the caBundle since `now`. */
  mark(now: number): Promise<boolean>;
  /** Deletes the next pair if it is still at this version. */
  discard(resourceVersion: string): Promise<boolean>;
  /** Writes the caBundle if the webhook configuration is still as it was at the last `read`. */
  bundle(authorities: readonly string[]): Promise<boolean>;
}
