import { describe, expect, it } from 'vitest';
import { parseReference, pinReference, repositoryName } from '../../../functions/image/reference.ts';
import { LIMITS } from '../../../functions/limits.ts';
import { digestOf } from '../../support/review.ts';

const A = digestOf('a');
const B = digestOf('b');

const parsed = (written: string) => {
  const result = parseReference(written);
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
};
const refusal = (written: string): string => {
  const result = parseReference(written);
  if (result.ok) throw new Error(`${written} was accepted as ${repositoryName(result.value)}`);
  expect(result.refusal.code).toBe('IMAGE_INVALID');
  return result.refusal.message;
};

describe('parseReference', () => {
  it.each([
    ['nginx', 'docker.io', 'library/nginx', undefined],
    ['nginx:1.27', 'docker.io', 'library/nginx', '1.27'],
    ['team/app', 'docker.io', 'team/app', undefined],
    ['docker.io/nginx', 'docker.io', 'library/nginx', undefined],
    ['docker.io/team/app', 'docker.io', 'team/app', undefined],
    ['index.docker.io/nginx', 'docker.io', 'library/nginx', undefined],
    ['localhost/app', 'localhost', 'app', undefined],
    ['localhost:5000/app:v1', 'localhost:5000', 'app', 'v1'],
    ['host:5000', 'docker.io', 'library/host', '5000'],
    ['host:5000/team/app', 'host:5000', 'team/app', undefined],
    ['us.icr.io/ns/app:v1', 'us.icr.io', 'ns/app', 'v1'],
    ['US.ICR.IO/ns/app', 'us.icr.io', 'ns/app', undefined],
    ['Registry/app', 'registry', 'app', undefined],
    ['[2001:DB8::1]:5000/app', '[2001:db8::1]:5000', 'app', undefined],
    ['10.0.0.1:5000/a/b/c_d/e__f/g-h/i---j.k', '10.0.0.1:5000', 'a/b/c_d/e__f/g-h/i---j.k', undefined],
    ['docker.io:443/nginx', 'docker.io:443', 'nginx', undefined],
    ['sha256', 'docker.io', 'library/sha256', undefined],
  ])('reads %s as docker does', (written, registry, repository, tag) => {
    expect(parsed(written)).toEqual({ written, registry, repository, tag, digest: undefined });
  });

  it('keeps tag and digest where both stand', () => {
    expect(parsed(`host:5000/app:v1@${A}`)).toMatchObject({ tag: 'v1', digest: A });
  });

  it('gives no tag to a name that has only a digest', () => {
    expect(parsed(`nginx@${A}`)).toMatchObject({ tag: undefined, digest: A });
  });

  it.each([
    ['', 'empty'],
    ['docker.io/', 'path has an empty part'],
    ['docker.io./nginx', 'empty part'],
    ['.docker.io/nginx', 'empty part'],
    ['a..b/nginx', 'empty part'],
    ['-a.io/nginx', 'hyphen'],
    ['a_b.io/nginx', 'character'],
    ['host:/nginx', 'port'],
    ['host:0/nginx', 'port'],
    ['host:05000/nginx', 'port'],
    ['host:65536/nginx', 'port'],
    ['host:5000:5000/nginx', 'port'],
    ['[::1/nginx', 'IPv6'],
    ['[nginx.io]/nginx', 'IPv6'],
    ['[::1]x/nginx', 'IPv6'],
    ['https://docker.io/nginx', 'port'],
    ['Nginx', 'upper-case'],
    ['team/App', 'upper-case'],
    ['a//b', 'empty part'],
    ['a/../b', 'letter or digit'],
    ['a/-b', 'letter or digit'],
    ['a/b_', 'letter or digit'],
    ['a___b', 'separated'],
    ['a.-b', 'separated'],
    ['nginx:', 'tag is empty'],
    ['nginx:-x', 'begins with'],
    ['nginx:a:b', 'tag has a character'],
    [`nginx:${'a'.repeat(129)}`, 'longer than 128'],
    ['nginx@', 'digest'],
    ['nginx@latest', 'digest'],
    [`nginx@${A}@${B}`, 'digest'],
    [`nginx@${A.slice(0, -1)}`, '64 hexadecimal'],
    [`nginx@${A.toUpperCase().replace('SHA', 'sha')}`, '64 hexadecimal'],
    [`nginx@sha512:${'a'.repeat(128)}`, 'no other kind is supported'],
    [`nginx@sha256+b64:${'a'.repeat(64)}`, 'no other kind is supported'],
    [` nginx`, 'character'],
    ['nginx ', 'character'],
    ['ng\u0000inx', 'character'],
    ['nginx\n', 'character'],
    ['ngіnx', 'character'],
    [`${'a'.repeat(256)}/b`, 'longer than 255'],
    [`${'a'.repeat(LIMITS.referenceLength)}b`, 'longer than'],
  ])('refuses %j and says why', (written, why) => {
    expect(refusal(written)).toContain(why);
  });

  it.each([A, `sha512:${'a'.repeat(128)}`, 'a'.repeat(64)])(
    'refuses %s, which a node takes for the ID of an image it has',
    (written) => {
      expect(refusal(written)).toContain('ID of an image');
    },
  );

  it.each(['DOCKER.IO/nginx', 'Index.Docker.io/nginx'])(
    'refuses %s, which is not Docker Hub to the runtime',
    (written) => {
      expect(refusal(written)).toContain('lower case');
    },
  );

  it('quotes a name in its message without control characters', () => {
    expect(refusal('a\u001b[31m"b\u202e')).toContain('"a\\u001b[31m\\"b\\u202e"');
  });
});

describe('repositoryName', () => {
  it('joins host and path', () => {
    expect(repositoryName(parsed('nginx'))).toBe('docker.io/library/nginx');
    expect(repositoryName(parsed('host:5000/team/app:v1'))).toBe('host:5000/team/app');
  });
});

describe('pinReference', () => {
  it.each([
    ['nginx', `nginx:latest@${A}`],
    ['nginx:1.27', `nginx:1.27@${A}`],
    ['host:5000/app', `host:5000/app:latest@${A}`],
    ['index.docker.io/nginx:1', `index.docker.io/nginx:1@${A}`],
    [`nginx@${A}`, `nginx@${A}`],
    [`nginx:1@${A}`, `nginx:1@${A}`],
  ])('writes %s as %s', (written, pinned) => {
    expect(pinReference(parsed(written), A)).toBe(pinned);
  });

  it('throws rather than write another digest over the one that is named', () => {
    expect(() => pinReference(parsed(`nginx@${A}`), B)).toThrow(/another digest/);
  });

  it.each(['', 'sha256:', 'sha256:xyz'])('throws rather than write %j as a digest', (digest) => {
    expect(() => pinReference(parsed('nginx'), digest as typeof A)).toThrow(/can't be written/);
  });
});
