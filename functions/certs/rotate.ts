import { issuePair, type Order, type Pair } from './issue.ts';
import { planStep, type Schedule, type State, type Step } from './plan.ts';
import type { CertificateStore } from './store.ts';

/** What a run is given from outside. */
export interface Surroundings {
  readonly store: CertificateStore;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Resolves after so many ms. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Told each step before it is done. */
  readonly report: (step: Step) => void;
  readonly issue?: (order: Order, now: number) => Pair;
}

/** Bounds of one run. */
export interface Run {
  readonly order: Order;
  readonly schedule: Omit<Schedule, 'names'>;
  /** ms for which one run waits at most; what is left then is done by the next run. */
  readonly patience: number;
}

/** Steps of a whole rotation are seven; conflicts with another run repeat some. */
const MOST_STEPS = 50;

/** Does step after step until there is nothing to do or only waiting beyond `patience` is left; gives that last step. */
export async function rotate(run: Run, around: Surroundings): Promise<Step> {
  const end = around.now() + run.patience;
  let force = run.schedule.force;
  for (let count = 0; count < MOST_STEPS; count++) {
    const state = await around.store.read();
    const step = planStep(state, { ...run.schedule, names: run.order.names, force }, around.now());
    around.report(step);
    if (step.do === 'rest' || (step.do === 'wait' && step.until > end)) return step;
    const done = await perform(step, state, { run, around });
    if (done && (step.do === 'prepare' || step.do === 'create' || step.do === 'replace')) force = false;
  }
  throw new Error(`no end after ${MOST_STEPS} steps: something else writes the same Secrets or the same caBundle`);
}

async function perform(
  step: Step,
  state: State,
  { run, around }: { run: Run; around: Surroundings },
): Promise<boolean> {
  const { store, now } = around;
  const issue = around.issue ?? issuePair;
  switch (step.do) {
    case 'create':
      return await store.serve(issue(run.order, now()), undefined, now());
    case 'replace':
      return await store.serve(issue(run.order, now()), state.current?.resourceVersion, now());
    case 'prepare':
      return await store.prepare(issue(run.order, now()));
    case 'bundle':
      return (await store.bundle(step.authorities)) && (!step.marksNext || (await store.mark(now())));
    case 'promote':
      return state.next !== undefined && (await store.serve(state.next, state.current?.resourceVersion, now()));
    case 'discard':
      return state.next !== undefined && (await store.discard(state.next.resourceVersion));
    case 'wait':
      await around.sleep(Math.max(0, step.until - now()));
      return true;
    case 'rest':
      return true;
  }
}
