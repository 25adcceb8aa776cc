import type { TestProject } from 'vitest/node';
import { ensureTools } from './tools.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Paths of the programs of the integration tests, by name. */
    readonly tools: Readonly<Record<string, string>>;
  }
}

/** Runs once before the integration tests: every program is there before the first test asks for it. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('tools', Object.fromEntries(await ensureTools()));
}
