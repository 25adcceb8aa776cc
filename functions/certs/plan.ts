import { expiryOf, faultOf, type Pair, splitPem } from './issue.ts';

/** A pair as it is stored in a Secret. Times in ms since the epoch. */
export interface StoredPair extends Pair {
  /** Changes with each write; a write that names an older one is refused. */
  readonly resourceVersion: string;
  /** When the authority was in the caBundle, if it is known to have been. */
  readonly bundledAt: number | undefined;
  /** When the pair was put in the place that is served from. */
  readonly servedAt: number | undefined;
}

/** Everything that a step depends on, as read just now. */
export interface State {
  /** PEM text of the webhook configuration's caBundle; undefined where there is no such webhook yet. */
  readonly bundle: string | undefined;
  /** The pair that is served. */
  readonly current: StoredPair | undefined;
  /** The pair that will be served next, in a rotation. */
  readonly next: StoredPair | undefined;
}

/** Names and times of a rotation, in ms. */
export interface Schedule {
  readonly names: readonly string[];
  /** A new pair is prepared this long before the present one ends. */
  readonly renewBefore: number;
  /** From a new authority in the caBundle to its certificate being served: every API server has seen the caBundle by then. */
  readonly overlap: number;
  /** From a new certificate being stored to the old authority being dropped: every pod serves it by then (kubelet's sync). */
  readonly settle: number;
  /** Prepare a new pair although the present one has time left. */
  readonly force: boolean;
}

/** The next thing to do. */
export type Step =
  | { readonly do: 'create'; readonly why: string }
  | { readonly do: 'replace'; readonly why: string }
  | {
      readonly do: 'bundle';
      readonly authorities: readonly string[];
      readonly marksNext: boolean;
      readonly why: string;
    }
  | { readonly do: 'prepare'; readonly why: string }
  | { readonly do: 'promote'; readonly why: string }
  | { readonly do: 'discard'; readonly why: string }
  | { readonly do: 'wait'; readonly until: number; readonly why: string }
  | { readonly do: 'rest'; readonly until: number; readonly why: string };

const same = (a: string, b: string): boolean => splitPem(a).join('\n') === splitPem(b).join('\n');
const holds = (bundle: string, ca: string): boolean =>
  splitPem(ca).every((block) => splitPem(bundle).some((other) => other === block));

/**
 * One step of the life of the certificate: new authority into the caBundle, wait, serve its certificate, wait, drop the old
 * authority. Pure: whoever runs it, however often and beside whom, the same state gives the same step.
 */
export function planStep(state: State, schedule: Schedule, now: number): Step {
  const { current } = state;
  if (current === undefined) return { do: 'create', why: 'there is no certificate yet' };
  const fault = faultOf(current, schedule.names, now);
  if (fault !== null) {
    return usable(state.next, schedule, now) ? { do: 'promote', why: fault } : { do: 'replace', why: fault };
  }
  const missing = state.bundle !== undefined && !holds(state.bundle, current.ca);
  if (missing) return bundleStep(state, false, 'the caBundle lacks the authority of the certificate that is served');
  return state.next === undefined
    ? quietStep(state, current, schedule, now)
    : rotationStep({ ...state, current, next: state.next }, schedule, now);
}

const usable = (pair: Pair | undefined, schedule: Schedule, now: number): boolean =>
  pair !== undefined && faultOf(pair, schedule.names, now) === null;

function bundleStep(state: State, marksNext: boolean, why: string): Step {
  const wanted = [state.current, state.next].flatMap((pair) => (pair === undefined ? [] : splitPem(pair.ca)));
  const authorities = [...new Set([...splitPem(state.bundle ?? ''), ...wanted])];
  return { do: 'bundle', authorities, marksNext, why };
}

type Rotating = State & { readonly current: StoredPair; readonly next: StoredPair };

function rotationStep(state: Rotating, schedule: Schedule, now: number): Step {
  const { bundle, current, next } = state;
  if (same(current.ca, next.ca)) return { do: 'discard', why: 'the next certificate is served already' };
  const fault = faultOf(next, schedule.names, now);
  if (fault !== null) return { do: 'discard', why: `of the next certificate: ${fault}` };
  if (bundle === undefined) return { do: 'promote', why: 'no webhook calls yet' };
  if (!holds(bundle, next.ca) || next.bundledAt === undefined) {
    return bundleStep(state, true, 'the next authority goes into the caBundle before its certificate is served');
  }
  const ripe = next.bundledAt + schedule.overlap;
  return now < ripe
    ? { do: 'wait', until: ripe, why: 'every API server has to see the new caBundle' }
    : { do: 'promote', why: 'the new authority is known everywhere' };
}

function quietStep(state: State, current: StoredPair, schedule: Schedule, now: number): Step {
  const due = expiryOf(current) - schedule.renewBefore;
  if (schedule.force) return { do: 'prepare', why: 'a rotation was asked for' };
  if (now >= due) return { do: 'prepare', why: `the certificate ends on ${new Date(expiryOf(current)).toISOString()}` };
  const stale = state.bundle !== undefined && splitPem(state.bundle).some((block) => !holds(current.ca, block));
  if (!stale) return { do: 'rest', until: due, why: 'certificate and caBundle are in order' };
  const settled = (current.servedAt ?? 0) + schedule.settle;
  return now < settled
    ? { do: 'wait', until: settled, why: 'every pod has to serve the new certificate' }
    : { do: 'bundle', authorities: splitPem(current.ca), marksNext: false, why: 'no pod serves an older certificate' };
}
