import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorsOf, PAGES, proseOf, ROOT, read } from './support/pages.ts';
import { fieldsPage } from './tools/fields.ts';
import { configurationPage, errorsPage } from './tools/pages.ts';
import { withRecipes } from './tools/recipes.ts';

const FUNCTIONS = join(ROOT, 'functions');

const sources = readdirSync(FUNCTIONS, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(FUNCTIONS, name), 'utf8') }));

/** Specifiers of every import and re-export of a file, dynamic ones too. */
const importsOf = (text: string): string[] =>
  [...text.matchAll(/^(?:import|export|\}) ?(?:[^;']*?from )?'([^']+)';$|\bimport\('([^']+)'\)/gm)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
const roomOf = (name: string): string => (name.includes('/') ? (name.split('/')[0] ?? '') : '');
const localTarget = (from: string, specifier: string): string =>
  relative(FUNCTIONS, resolve(join(FUNCTIONS, from), '..', specifier));

/** The core, in the order of the flow: a room imports only from rooms to its left. */
const CORE = ['image', 'request', 'policy', 'trust', 'answer'];
/** What every room of the core may know beside its left neighbours. */
const COMMON = ['awaitable.ts', 'codes.ts', 'limits.ts', 'json.ts', 'once.ts', 'ports.ts', 'checker.ts'];
/** Modules without I/O that the core may use: signatures and hashes, and the schema checker. */
const PURE_MODULES = ['node:crypto', 'node:buffer', 'ajv'];

describe('the structure', () => {
  const core = sources.filter(({ name }) => CORE.includes(roomOf(name)));

  it.each(core)('$name imports only from rooms to its left', ({ name, text }) => {
    const room = CORE.indexOf(roomOf(name));
    const wrong = importsOf(text)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => localTarget(name, specifier))
      .filter(
        (target) =>
          !COMMON.includes(target) && !(CORE.indexOf(roomOf(target)) >= 0 && CORE.indexOf(roomOf(target)) <= room),
      );
    expect(wrong).toEqual([]);
  });

  it.each(core)('$name does no input or output', ({ text }) => {
    const wrong = importsOf(text).filter(
      (specifier) => !specifier.startsWith('.') && !PURE_MODULES.includes(specifier),
    );
    expect(wrong).toEqual([]);
    expect(text).not.toMatch(
      /(?<![.\w]|function )\bfetch\(['"`u]|process\.(env|stdout|stderr|hrtime)|setTimeout\(|setInterval\(/,
    );
  });

  it.each(core)('$name reads no clock and no chance', ({ text }) => {
    expect(text).not.toMatch(/Date\.now\(|new Date\(\)|performance\.|Math\.random\(|randomBytes|randomUUID/);
  });

  it('lets only gate.ts join the core with io/ and cache/; ready.ts looks at the side-car, tell.ts and trace.ts send, commands read files', () => {
    const joins = sources
      .filter(({ name }) => !['io', 'cache', 'certs', 'cli'].includes(roomOf(name)))
      .filter(({ name, text }) =>
        importsOf(text)
          .filter((specifier) => specifier.startsWith('.'))
          .some((specifier) => ['io', 'cache'].includes(roomOf(localTarget(name, specifier)))),
      )
      .map(({ name }) => name);
    expect(joins.toSorted()).toEqual(['gate.ts', 'ready.ts', 'tell.ts', 'trace.ts']);
  });

  it('lets only the index.ts and serve.ts of the two functions know the framework', () => {
    const knowing = sources
      .filter(({ text }) => text.includes('@google-cloud/functions-framework'))
      .map(({ name }) => name);
    expect(knowing.toSorted()).toEqual(['index.ts', 'serve.ts', 'validate/index.ts', 'validate/serve.ts']);
  });

  it.each(['@opentelemetry/', 'cloudevents'])('loads %s only where it is switched on', (library) => {
    const using = sources.filter(({ text }) => importsOf(text).some((specifier) => specifier.startsWith(library)));
    const eager = (file: string) => sources.filter(({ text }) => new RegExp(`^import .*/${file}';$`, 'm').test(text));
    for (const { name, text } of using) {
      const dynamic = text.includes(`await import('${library}')`);
      expect(dynamic || eager(name.split('/').at(-1) ?? '').length === 0, name).toBe(true);
    }
    expect(using).toHaveLength(1);
  });

  it('keeps node-forge to certificates', () => {
    const using = sources.filter(({ text }) => importsOf(text).includes('node-forge')).map(({ name }) => roomOf(name));
    expect(new Set(using)).toEqual(new Set(['certs']));
  });

  it('has no circle of imports, those of types among them', () => {
    const done = new Set<string>();
    const circles: string[] = [];
    const localImports = new Map(
      sources.map(({ name, text }) => [name, importsOf(text).filter((one) => one.startsWith('.'))] as const),
    );
    const visit = (name: string, path: readonly string[]): void => {
      if (path.includes(name)) circles.push([...path.slice(path.indexOf(name)), name].join(' → '));
      if (done.has(name) || path.includes(name)) return;
      for (const one of localImports.get(name) ?? []) visit(localTarget(name, one), [...path, name]);
      done.add(name);
    };
    for (const { name } of sources) visit(name, []);
    expect(circles).toEqual([]);
  });

  it('keeps source files small: none over 250 lines, median at most 90', () => {
    const lengths = sources.map(({ name, text }) => ({ name, lines: text.split('\n').length - 1 }));
    expect(lengths.filter(({ lines }) => lines > 250)).toEqual([]);
    const sorted = lengths.map(({ lines }) => lines).sort((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThanOrEqual(90);
  });
});

describe('the documents', () => {
  it('docs/errors.md and docs/configuration.md say what the code declares (npm run pages writes them)', () => {
    expect(read('docs/errors.md')).toBe(errorsPage());
    expect(read('docs/configuration.md')).toBe(configurationPage());
  });

  it('docs/fields.md says what the CRDs declare (npm run pages writes it)', () => {
    expect(read('docs/fields.md')).toBe(fieldsPage());
  });

  it('docs/cookbook.md has every file of policies/examples as it is (npm run pages copies them, once a recipe names them)', () => {
    const page = read('docs/cookbook.md');
    expect(page).toBe(withRecipes(page));
    const named = [...page.matchAll(/<!-- policies\/examples\/(\S+) -->/g)].map(([, file]) => file);
    expect(named.toSorted()).toEqual(readdirSync(join(ROOT, 'policies/examples')).toSorted());
  });

  it('every dependency has its reason in docs/dependencies.md, and the page names no other', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json'));
    const documented = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]);
    expect(documented.toSorted()).toEqual(Object.keys({ ...dependencies, ...devDependencies }).toSorted());
  });
});

describe('every page', () => {
  it.each(PAGES)('%s links to files and headings that are there', (page) => {
    const broken = [...proseOf(page).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? page : relative(ROOT, join(ROOT, page, '..', file));
      if (!existsSync(join(ROOT, target))) return [`${link}: there is no ${target}`];
      if (anchor === undefined || !target.endsWith('.md') || anchorsOf(target).has(anchor)) return [];
      return [`${link}: ${target} has no such heading`];
    });
    expect(broken).toEqual([]);
  });

  it.each(PAGES)('%s names only npm scripts that exist', (page) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read(page).matchAll(/npm run (?:--silent |-s )?([a-z][a-z:-]*)/g)].map(
      ([, script = '']) => script,
    );
    expect(named.filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
  });
});
