#!/usr/bin/env node
import { dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

// An older Node would show a syntax error in place of a sentence; `engines` is only a warning to npm.
if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(`portieris: needs Node 24 or later, and this is ${process.versions.node}.\n`);
  process.exit(2);
}
// Node strips no types inside of node_modules: what is installed there runs the bundle, a checkout its sources.
const installed = dirname(fileURLToPath(import.meta.url)).includes(`${sep}node_modules${sep}`);
await import(installed ? '../../dist/cli.js' : './main.ts');
