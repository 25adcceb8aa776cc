import { defineConfig } from 'vitest/config';
import { CountReporter } from './tests/tools/count.ts';

/** Unit, property and hostile tests run in parallel; integration tests share real servers and run one file at a time. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: ['default', new CountReporter()],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/integration/**', 'tests/cluster/**', '**/node_modules/**'],
          // Far above what any of them takes: no test asserts a time, and a machine may be busy with other things.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['tests/integration/**/*.test.ts'],
          globalSetup: ['tests/tools/setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
});
