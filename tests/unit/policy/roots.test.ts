import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../functions/json.ts';
import { pemProblem } from '../../../functions/policy/pem.ts';
import { policyOf, problemsOf, trusting } from '../../support/policies.ts';
import { certify, makeKey } from '../../support/tuf/key.ts';

const AT = 'spec.repositories[0].policy.trust.roots[0]';
const KEY = { keyIds: ['a'.repeat(64)] };
const rootProblems = (root: JsonObject) => problemsOf(policyOf('p', [trusting('*', { roots: [root] })]));
const pem = makeKey().pem;
const certificate = certify(makeKey(), 'x').value.toString('latin1');
const withHeader = pem.replace('-----\n', '-----\nrole: alice\n\n');

describe('root pins in a policy', () => {
  it.each<[string, JsonObject]>([
    ['IDs of keys', KEY],
    ['public keys', { publicKeys: [pem, certificate, withHeader] }],
    ['a CA', { certificateAuthority: certificate + certificate }],
    ['a Secret', { secret: { name: 'roots', namespace: 'security' } }],
    ['the name of a repository', { ...KEY, gun: 'docker.io/library/nginx' }],
    ['the beginning of names', { ...KEY, gun: 'us.icr.io/acme/*' }],
    ['all of a host', { ...KEY, gun: 'localhost:5000/*' }],
    ['everything', { ...KEY, gun: '*' }],
  ])('may be %s', (_, root) => {
    expect(rootProblems(root)).toEqual([]);
  });

  it.each<[string, JsonObject, string]>([
    ['nothing', { gun: '*' }, `${AT}: pins nothing`],
    [
      'a CA beside keys',
      { ...KEY, certificateAuthority: certificate },
      `${AT}.certificateAuthority: stands beside keys`,
    ],
    [
      'a short name',
      { ...KEY, gun: 'nginx' },
      `${AT}.gun: must be the whole name of a repository, without tag; write docker.io/library/nginx.`,
    ],
    ['a name with a tag', { ...KEY, gun: 'docker.io/library/nginx:1' }, 'write docker.io/library/nginx.'],
    ['a beginning without a host', { ...KEY, gun: 'library/*' }, 'must begin with the host'],
    ['a beginning that ends in the host', { ...KEY, gun: 'docker.io*' }, 'must begin with the host'],
    [
      'a star in the middle',
      { ...KEY, gun: 'docker.io/*/x' },
      `${AT}.gun: must be the name of a repository in lower case`,
    ],
    ['an ID in capitals', { keyIds: ['A'.repeat(64)] }, `${AT}.keyIds[0]: must be a key ID`],
    ['no PEM', { publicKeys: ['no'] }, `${AT}.publicKeys[0]: must be one block of PEM`],
    ['two keys in one text', { publicKeys: [pem + pem] }, `${AT}.publicKeys[0]: must be one block of PEM`],
    [
      'a broken block',
      { publicKeys: ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'] },
      'cannot be read',
    ],
    ['a key in place of a CA', { certificateAuthority: pem }, `${AT}.certificateAuthority: has a block (the 1. of it)`],
  ])('may not be %s', (_, root, problem) => {
    expect(rootProblems(root)).toEqual([expect.stringContaining(problem)]);
  });

  it('never tells what stands in a private key that was written by mistake', () => {
    const secret = makeKey().privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const [problem, ...others] = rootProblems({ publicKeys: [secret] });
    expect(others).toEqual([]);
    expect(problem).toContain('holds a private key; take it out');
    expect(problem).not.toContain(secret.split('\n')[1]);
  });

  it('are looked at in little time, however their text is made', () => {
    for (const text of [
      '-----BEGIN '.repeat(1_400),
      '-'.repeat(16_000),
      '-----BEGIN A-----\n'.repeat(900),
      '\n'.repeat(16_000),
    ])
      expect(pemProblem(text, ['PUBLIC KEY'])).toBeDefined();
  });
});
