#!/usr/bin/env node
import { dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

// Node strips no types inside of node_modules: what is installed there runs the bundle, a checkout its sources.
const installed = dirname(fileURLToPath(import.meta.url)).includes(`${sep}node_modules${sep}`);
await import(installed ? '../../dist/cli.js' : './main.ts');
