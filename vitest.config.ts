import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { CountReporter } from './tests/tools/count.ts';

/** Far above what anything takes: no test asserts a time, and a machine may be busy with other things. */
const PATIENCE = { testTimeout: 120_000, hookTimeout: 1_800_000, expect: { poll: { timeout: 90_000, interval: 50 } } };

/**
 * All files stand in one queue, those of the integration project first: each has servers of its own, on ports of its own (tests/support/port.ts). One
 * worker more than cores, for a file that waits for its servers uses none.
 */
export default defineConfig({
  test: {
    reporters: ['default', new CountReporter()],
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/integration/**', 'tests/cluster/**', '**/node_modules/**'],
          globalSetup: ['tests/tools/compiled.ts'],
          ...PATIENCE,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['tests/integration/**/*.test.ts'],
          globalSetup: ['tests/tools/setup.ts', 'tests/tools/compiled.ts'],
          ...PATIENCE,
        },
      },
    ],
  },
});
