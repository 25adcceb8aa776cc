import { describe, expect, it } from 'vitest';
import { compilePattern, type ImagePattern } from '../../../functions/image/pattern.ts';
import { parseReference } from '../../../functions/image/reference.ts';
import { LIMITS } from '../../../functions/limits.ts';
import { digestOf } from '../../support/review.ts';

const A = digestOf('a');
const B = digestOf('b');

const pattern = (written: string): ImagePattern => {
  const compiled = compilePattern(written);
  if (typeof compiled === 'string') throw new Error(compiled);
  return compiled;
};
const matches = (written: string, image: string): boolean => {
  const reference = parseReference(image);
  if (!reference.ok) throw new Error(reference.refusal.message);
  return pattern(written).matches(reference.value);
};

describe('compilePattern', () => {
  it.each([
    ['*', 'nginx'],
    ['*', `host:5000/a/b@${A}`],
    ['*/*', 'host:5000/a/b'],
    ['**', 'nginx'],
    ['*:*', `quay.io/app@${A}`],
    ['nginx', 'nginx'],
    ['nginx', 'docker.io/library/nginx:1.27'],
    ['nginx', `index.docker.io/nginx@${A}`],
    ['nginx*', 'nginx-unprivileged'],
    ['team/*', 'docker.io/team/app'],
    ['docker.io/nginx', 'nginx'],
    ['docker.io/nginx*', 'nginx'],
    ['docker.io/nginx*', 'docker.io/nginxinc/app'],
    ['docker.io/*', 'nginx'],
    ['docker.io/*', 'team/app:v1'],
    ['index.docker.io/*', 'nginx'],
    ['docker.io/library/*', 'nginx'],
    ['docker.io*', 'nginx'],
    ['us.icr.io*', 'us.icr.io/ns/app'],
    ['US.icr.io/ns/*', 'us.icr.io/ns/app'],
    ['us.icr.io/*', 'us.icr.io/a/b/c:v1'],
    ['*.icr.io/ns/app:v1', 'de.icr.io/ns/app:v1'],
    ['registry*.bluemix.net/*', 'registry.eu-de.bluemix.net/ns/app'],
    ['quay.io/*/app', 'quay.io/a/b/app'],
    ['quay.io/*', `quay.io/app:v1@${A}`],
    ['host:5000/*', 'host:5000/app'],
    ['*:5000/app', 'host:5000/app'],
    ['[::1]:5000/*', '[::1]:5000/app'],
    ['nginx:1.*', 'nginx:1.27'],
    ['nginx:latest', 'nginx'],
    ['quay.io/app:v1', `quay.io/app:v1@${A}`],
    [`quay.io/app@${A}`, `quay.io/app:v1@${A}`],
    ['quay.io/app@sha256:*', `quay.io/app@${A}`],
    ['*:v1', 'quay.io/app:v1'],
  ])('%s matches %s', (written, image) => {
    expect(matches(written, image)).toBe(true);
  });

  it.each([
    ['nginx', 'nginx:5000/evil/x'],
    ['nginx', 'evil.example/nginx'],
    ['nginx', 'evil.example/library/nginx'],
    ['nginx', 'team/nginx'],
    ['nginx', 'nginx-evil'],
    ['nginx*', 'nginx.example/evil'],
    ['nginx*', 'nginxevil/app'],
    ['docker.io*', 'docker.io.evil.com/x'],
    ['docker.io*', 'docker.iox/x'],
    ['docker.io*', 'docker.io:5000/x'],
    ['docker.io/*', 'docker.io.evil.com/x'],
    ['docker.io/*', 'evil.docker.io/x'],
    ['docker.io/*', 'evildocker.io/x'],
    ['docker.io/*', 'evil.example/docker.io/x'],
    ['*.icr.io/*', 'evil.example/x.icr.io/y'],
    ['*.icr.io/*', 'icr.io/app'],
    ['*.trusted/x', 'evil.example/a.trusted/x'],
    ['us.icr.io/ns*', 'us.icr.io/other/ns'],
    ['us.icr.io/ns/*', 'us.icr.io/ns'],
    ['registry.k8s.io/*', 'evil.example/registry.k8s.io/x:y'],
    ['*.icr.io/ns/app:v1', 'de.icr.io/ns/app:v11'],
    ['host/*', 'host:5000/app'],
    ['team/*', 'team:5000/app'],
    ['team/*', 'team.evil.com/app'],
    ['nginx:latest', 'nginx:1.27'],
    ['nginx:latest', `nginx@${A}`],
    ['nginx:1.*', 'nginx'],
    [`quay.io/app@${A}`, `quay.io/app:v1@${B}`],
    [`quay.io/app@${A}`, 'quay.io/app:v1'],
    ['quay.io/app@sha256:*', 'quay.io/app:v1'],
  ])('%s does not match %s', (written, image) => {
    expect(matches(written, image)).toBe(false);
  });

  it.each([
    ['', 'empty'],
    ['docker.io', 'write docker.io/*'],
    ['*.icr.io', 'write *.icr.io/*'],
    ['docker.io*:v1', 'docker.io/library/docker.io*'],
    ['team*/app', 'docker.io/team*/app'],
    ['docker.io/', 'empty part'],
    ['*.io/', 'no path'],
    ['docker.io//*', 'empty part'],
    ['docker.io./*', 'empty part in its host'],
    ['do cker.io/*', 'host'],
    ['docker.io/Team/*', 'upper case'],
    ['docker.io/a?*', 'path'],
    ['nginx:a*:b', 'tag'],
    ['nginx*@sha256:~', 'digest'],
    ['nginx@sha256:abc', '64 hexadecimal'],
    ['Nginx', 'upper-case'],
    ['a'.repeat(LIMITS.patternLength + 1), 'longer'],
  ])('says what is wrong with %j', (written, why) => {
    expect(compilePattern(written)).toContain(why);
  });

  it.each(['nginx', 'docker.io/library/nginx:1.27', `nginx@${A}`])('counts %s as exact', (written) => {
    expect(pattern(written).exact).toBe(true);
  });

  it('weighs a pattern by its normalised form, so that a short name is not taken for a wide one', () => {
    const heavier = (one: string, other: string) => pattern(one).weight > pattern(other).weight;
    expect(heavier('nginx*', 'docker.io/library/*')).toBe(true);
    expect(heavier('docker.io/team/*', 'docker.io/*')).toBe(true);
    expect(heavier('docker.io/*', '*')).toBe(true);
    expect(heavier('nginx:1.*', 'nginx*')).toBe(true);
    expect(pattern('nginx*').weight).toBe(pattern('docker.io/library/nginx*').weight);
    expect(pattern('a.io/**').weight).toBe(pattern('a.io/*').weight);
  });

  it('says of a tag without a digest that it binds the tag only', () => {
    expect(pattern('nginx:1.27').bindsTag).toBe(true);
    expect(pattern('nginx:*').bindsTag).toBe(false);
    expect(pattern('nginx').bindsTag).toBe(false);
    expect(pattern(`nginx:1.27@${A}`).bindsTag).toBe(false);
  });
});
