import type { TestProject } from 'vitest/node';
import { ensureTools } from '../tools/tools.ts';

/** The Notary programs are there before the first test asks for them; kubectl and the image builder are the user's own. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('tools', Object.fromEntries(await ensureTools(['notary', 'notary-server'])));
}
