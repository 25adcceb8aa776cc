import { ensureTools, type ToolName } from './tools.ts';

// `npm run tools [name…]`: finds or builds the programs of the integration tests and says where each one is.
const names = process.argv.slice(2) as ToolName[];
try {
  const paths = await ensureTools(names.length === 0 ? undefined : names);
  for (const [name, path] of paths) process.stdout.write(`${name.padEnd(16)}${path}\n`);
} catch (error) {
  process.stderr.write(`tools: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
