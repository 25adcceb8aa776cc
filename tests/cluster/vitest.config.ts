import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Against the cluster of KUBECONFIG and the registry of REGISTRY; `npm test` knows nothing of it. */
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    name: 'cluster',
    include: ['tests/cluster/**/*.test.ts'],
    globalSetup: ['tests/cluster/setup.ts'],
    reporters: ['verbose'],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 1_800_000,
  },
});
