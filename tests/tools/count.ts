import type { Reporter, TestModule } from 'vitest/node';

/** Passed and failed tests of the modules; a module that failed outside its tests (at import, in a hook) counts as one. */
export function countTests(modules: readonly TestModule[]): { passed: number; failed: number } {
  const count = { passed: 0, failed: 0 };
  for (const module of modules) {
    const before = count.failed;
    for (const test of module.children.allTests()) {
      if (test.result().state === 'passed') count.passed += 1;
      else count.failed += 1;
    }
    if (module.state() === 'failed' && count.failed === before) count.failed += 1;
  }
  return count;
}

/** Ends a run with one line for machines: `N passed, N failed`. Errors outside every test count as failures. */
export class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const { passed, failed } = countTests(modules);
    process.stdout.write(`${passed} passed, ${failed + unhandled.length} failed\n`);
  }
}
