import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DirectorySource, openDirectory } from '../../functions/io/directory.ts';
import { silentLog } from '../../functions/log.ts';
import { type TemporaryFolder, temporaryFolder } from '../integration/support/folder.ts';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder('directory-property');
});
afterEach(() => folder.remove());

const NAMESPACES = ['one', 'two'];
const FILES = ['a.yaml', 'b.yaml', 'f/a.yaml', 'f/c.yml', 'new.tmp', '.hidden.yaml', 'd.json'];

const policy = (name: string, namespace: string, pattern: string): string =>
  JSON.stringify({
    apiVersion: 'portieris.cloud.ibm.com/v1',
    kind: 'ImagePolicy',
    metadata: { name, namespace },
    spec: { repositories: [{ name: pattern, policy: {} }] },
  });
const namespace = fc.constantFrom(...NAMESPACES);
const pattern = fc.constantFrom('a.example/*', 'b.example/*', 'not a pattern');
const name = fc.constantFrom('p', 'q', 'r', 'x'.repeat(300), 'y'.repeat(300));
const policies = fc.array(fc.tuple(name, namespace, pattern), { maxLength: 3 });
const anyText = fc.oneof(
  { weight: 6, arbitrary: policies.map((all) => all.map((one) => policy(...one)).join('\n---\n')) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('kind: {', '', '- 1', '{"apiVersion":"v1","kind":"Node","metadata":{"name":"s"}}'),
  },
);
let made = 0;
/** A file of one policy that is in no other, so that what counts does not depend on which was seen first. */
const ownText = fc.tuple(namespace, pattern).map((all) => policy(`p${++made}`, ...all));

type Step =
  | { readonly do: 'write' | 'put in place'; readonly file: string; readonly text: string }
  | { readonly do: 'move'; readonly file: string; readonly to: string }
  | { readonly do: 'remove'; readonly file: string }
  | { readonly do: 'swap'; readonly text: string };
const file = fc.constantFrom(...FILES);
/** A step that writes such texts, or moves and removes what stands there. */
const stepOf = (text: fc.Arbitrary<string>): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constantFrom('write' as const, 'put in place' as const), file, text }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('move' as const), file, to: file }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), file: fc.constantFrom(...FILES, 'f') }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('swap' as const), text }) },
  );

/** Does one step as an editor, a shell or the kubelet does it; of a file that is not there nothing comes. */
async function take(root: string, step: Step): Promise<void> {
  if (step.do === 'remove') return rm(join(root, step.file), { recursive: true, force: true });
  if (step.do === 'swap') return swap(root, step.text);
  const target = join(root, step.do === 'move' ? step.to : step.file);
  await mkdir(dirname(target), { recursive: true });
  if (step.do === 'write') return writeFile(target, step.text);
  if (step.do === 'move') return rename(join(root, step.file), target).catch(() => undefined);
  const next = `${target}.next`;
  await writeFile(next, step.text);
  await rename(next, target);
}

/** The kubelet's way with a volume: a new folder, and the link `..data` put in place of the old one. */
async function swap(root: string, text: string): Promise<void> {
  const data = `..${++made}`;
  await mkdir(join(root, data));
  await writeFile(join(root, data, 'v.yaml'), text);
  await symlink(data, join(root, '..data_tmp'));
  await rename(join(root, '..data_tmp'), join(root, '..data'));
  await symlink('..data/v.yaml', join(root, 'v.yaml')).catch(() => undefined);
}

/** All that a source says, in one value. */
function stateOf(source: DirectorySource): unknown {
  const snapshot = source.current();
  const rules = NAMESPACES.map((namespace) =>
    snapshot
      ?.rulesFor(namespace)
      .rules.map(({ source, pattern, requirements }) => [source, pattern.written, requirements]),
  );
  return { rules, ...source.readiness(), invalid: snapshot?.problems };
}

/** A clock that goes on by more than a tick of any file system with each look. */
const hasty = () => {
  let now = 0;
  return { now: () => (now += 5_000) };
};
/** A clock that stands: no file is ever believed to be the one that was read. */
const standing = { now: () => 0 };
const open = (path: string, clock: { now(): number }) => openDirectory(path, { log: silentLog, clock, poll: 60_000 });

describe('a directory that is followed', () => {
  it('holds after any steps what one holds that reads everything again after each of them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(stepOf(anyText), { minLength: 1, maxLength: 3 }), { maxLength: 6 }),
        async (rounds) => {
          const root = join(folder.path, String(++made));
          await mkdir(root);
          const [followed, read] = [await open(root, hasty()), await open(root, standing)];
          try {
            for (const steps of rounds) {
              for (const one of steps) await take(root, one);
              await Promise.all([followed.refresh(), read.refresh()]);
              expect(stateOf(followed)).toEqual(stateOf(read));
            }
          } finally {
            await Promise.all([followed.close(), read.close()]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('comes by notices of the system alone to what one holds that is opened then', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(stepOf(ownText), { maxLength: 8 }), fc.boolean(), async (steps, slowly) => {
        const root = join(folder.path, String(++made));
        await mkdir(root);
        const followed = await open(root, hasty());
        try {
          const settled = async (): Promise<void> => {
            const opened = await open(root, standing);
            await opened.close();
            await expect.poll(() => stateOf(followed), { timeout: 60_000 }).toEqual(stateOf(opened));
          };
          for (const one of steps) {
            await take(root, one);
            if (slowly) await settled();
          }
          await settled();
        } finally {
          await followed.close();
        }
      }),
      { numRuns: 60 },
    );
  });
});
