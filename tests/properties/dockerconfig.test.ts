import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePullSecret } from '../../functions/io/dockerconfig.ts';
import { credentialsFor, isFor, parseRegistryKey } from '../../functions/io/registrykey.ts';

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?$/);
const host = fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.'));
const secretOf = (text: string) => ({
  namespace: 'ns',
  name: 'pull',
  type: 'kubernetes.io/dockercfg',
  data: new Map([['.dockercfg', Buffer.from(text)]]),
});

describe('keys of a docker config', () => {
  it('without wildcards and paths are for their own host and no other', () => {
    fc.assert(
      fc.property(host, host, (one, other) => {
        const key = parseRegistryKey(one);
        expect(key !== undefined && isFor(key, one, 'a/b')).toBe(true);
        expect(key !== undefined && isFor(key, other, 'a/b')).toBe(one === other);
        for (const alike of [`${one}.evil`, `evil${one}`, `evil.${one}`, `${one}.`, `${one}:443`]) {
          expect(key !== undefined && isFor(key, alike, 'a/b')).toBe(false);
        }
      }),
    );
  });

  it('with wildcards match as the pattern they stand for', () => {
    const pattern = fc.stringMatching(/^[ab*]{1,8}$/);
    const name = fc.stringMatching(/^[ab]{1,10}$/);
    fc.assert(
      fc.property(pattern, name, (glob, text) => {
        const expected = new RegExp(`^${glob.replaceAll(/\*+/g, '.*')}$`).test(text);
        const key = parseRegistryKey(`${glob}.example`);
        expect(key !== undefined && isFor(key, `${text}.example`, 'x')).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('pull secrets of any content', () => {
  it('are read or reported, never thrown at, and no problem shows a value', () => {
    const entry = fc.record(
      { auth: fc.anything(), username: fc.anything(), password: fc.constant('hunter2'), identitytoken: fc.anything() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(fc.string(), host), fc.oneof(entry, fc.jsonValue())), (auths) => {
        const { entries, problems } = parsePullSecret(secretOf(JSON.stringify(auths)));
        expect(problems.join('\n')).not.toContain('hunter2');
        expect(credentialsFor('registry.example', 'a/b', entries).length).toBeLessThanOrEqual(16);
      }),
      { numRuns: 300 },
    );
  });

  it('need no JSON to be read without a throw', () => {
    fc.assert(
      fc.property(fc.string(), (text) => void parsePullSecret(secretOf(text))),
      { numRuns: 300 },
    );
  });
});
