import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostileBytes } from './mutate.ts';
import { TARGETS } from './targets.ts';

/** Inputs per parser: some seconds for all; `npm run fuzz` goes on for as long as it is told. */
const RUNS = 1500;

describe('bytes from outside', () => {
  for (const { name, seeds, run } of TARGETS) {
    it(`never bring the parser of a ${name} to throw, hang or contradict itself`, () => {
      let inputs = 0;
      fc.assert(
        fc.property(hostileBytes(seeds), (bytes) => {
          inputs += 1;
          run(bytes);
        }),
        { numRuns: RUNS },
      );
      expect(inputs).toBe(RUNS);
    });
  }
});
