import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'rolldown';
import { standIns } from './standins.ts';

/** What the image holds (`npm run build`): the gate, the function that looks at policies, the certificate job and the command line, each one file beside what they share, and the licences of what is in them. */
const ROOT = resolve(import.meta.dirname, '..');
/** Where the bundle goes: the one argument, or `dist`. */
const DIST = resolve(process.argv[2] ?? join(ROOT, 'dist'));
/** Files that stand in the place of modules; each says why. What needs no file is in standins.ts. */
const INSTEAD = {
  domain: join(ROOT, 'functions/bystander.ts'),
  'node:domain': join(ROOT, 'functions/bystander.ts'),
  undici$: join(ROOT, 'knative/undici.ts'),
};

/** A character outside ASCII as JavaScript may write it. V8 keeps a source in which one stands beyond Latin-1 at two bytes for each character. */
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

const bundle = await build({
  cwd: ROOT,
  input: {
    serve: 'functions/serve.ts',
    validate: 'functions/validate/serve.ts',
    certs: 'functions/certs/main.ts',
    cli: 'functions/cli/main.ts',
  },
  platform: 'node',
  resolve: { alias: INSTEAD },
  plugins: [standIns],
  // client-node's modules do nothing but define; without this every generated client of its index comes along (functions/io/kubelibrary.ts).
  treeshake: { moduleSideEffects: [{ test: /@kubernetes.client-node/, sideEffects: false }] },
  // Express asks for a view engine by name, and functions-framework for a function's module; the gate uses neither.
  logLevel: 'warn',
  output: {
    dir: DIST,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    cleanDir: true,
    // Names of functions and classes stay, so that a stack trace can be read and the framework's layers are known by theirs.
    minify: {
      compress: { keepNames: { function: true, class: true } },
      mangle: { keepNames: { function: true, class: true } },
      codegen: { removeWhitespace: true },
    },
    // CommonJS packages find `require` by this; yargs, in the command line alone, brings its own.
    banner: ({ name }) =>
      name === 'cli'
        ? ''
        : "import { createRequire as portierisRequire } from 'node:module'; const require = portierisRequire(import.meta.url);",
  },
});

for (const chunk of bundle.output)
  if (chunk.type === 'chunk') writeFileSync(join(DIST, chunk.fileName), chunk.code.replaceAll(/[^\0-\x7f]/g, escaped));

const modules = bundle.output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));

/** `…/node_modules/@scope/name` of a module, or undefined for our own. */
function packageOf(id: string): string | undefined {
  const at = id.lastIndexOf('node_modules/');
  if (at < 0) return undefined;
  const parts = id.slice(at + 'node_modules/'.length).split('/');
  const name = parts[0]?.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
  return join(id.slice(0, at + 'node_modules/'.length), name).replace(/^\0/, '');
}

function licenceOf(directory: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const files = readdirSync(directory).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
  const texts = files.map((file) => readFileSync(join(directory, file), 'utf8').trim());
  return [`${name} ${version} (${typeof license === 'string' ? license : 'see below'})`, ...texts].join('\n\n');
}

const packages = [...new Set(modules.map(packageOf).filter((path) => path !== undefined))].sort();
const licences = packages.filter((path) => existsSync(join(path, 'package.json'))).map(licenceOf);
writeFileSync(join(DIST, 'LICENSES.txt'), `${licences.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
writeFileSync(join(DIST, 'package.json'), '{"type":"module"}\n');
