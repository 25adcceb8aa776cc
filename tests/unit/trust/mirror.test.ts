import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { repositoryName } from '../../../functions/image/reference.ts';
import { signedName } from '../../../functions/trust/mirror.ts';
import { image } from '../../support/policies.ts';

const signed = (written: string, prefix: string, signedPrefix: string): string => {
  const name = signedName(image(written), { prefix, signedPrefix });
  return name.ok ? repositoryName(name.value) : name.refusal.code;
};

describe('the name under which an image is signed', () => {
  it.each([
    ['mirror.example.com/hub/library/nginx:1', 'mirror.example.com/hub', 'docker.io', 'docker.io/library/nginx'],
    ['mirror.example.com/hub/nginx', 'mirror.example.com/hub', 'docker.io', 'docker.io/library/nginx'],
    [
      `mirror.example.com:5000/a/b/c@sha256:${'a'.repeat(64)}`,
      'mirror.example.com:5000',
      'us.icr.io/acme',
      'us.icr.io/acme/a/b/c',
    ],
    ['mirror.example.com/app', 'mirror.example.com/app', 'us.icr.io/acme/other', 'us.icr.io/acme/other'],
    ['nginx', 'docker.io/library', 'quay.io/copies', 'quay.io/copies/nginx'],
    ['mirror.example.com/x/nginx', 'mirror.example.com', 'index.docker.io', 'docker.io/x/nginx'],
  ])('of %s with %s → %s is %s', (written, prefix, to, name) => {
    expect(signed(written, prefix, to)).toBe(name);
  });

  it.each([
    ['mirror.example.com/hubris/nginx', 'mirror.example.com/hub'],
    ['mirror.example.com.evil.org/hub/nginx', 'mirror.example.com'],
    ['evil.org/mirror.example.com/hub/nginx', 'mirror.example.com/hub'],
    ['mirror.example.com:5000/hub/nginx', 'mirror.example.com'],
  ])('of %s is its own where %s is not the whole beginning of it', (written, prefix) => {
    expect(signed(written, prefix, 'docker.io')).toBe(repositoryName(image(written)));
  });

  it('is refused where it would be no repository', () => {
    expect(signed('mirror.example.com/hub', 'mirror.example.com/hub', 'docker.io')).toBe('IMAGE_INVALID');
    expect(signed(`mirror.example.com/${'a'.repeat(252)}`, 'mirror.example.com', 'docker.io/acme')).toBe(
      'IMAGE_INVALID',
    );
  });

  it('is its own without a map', () => {
    expect(signedName(image('nginx'), undefined)).toMatchObject({
      ok: true,
      value: { registry: 'docker.io', repository: 'library/nginx' },
    });
  });

  it('goes only by the repository: no tag and no digest leads elsewhere', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    fc.assert(
      fc.property(fc.array(part, { minLength: 2, maxLength: 4 }), part, (path, tag) => {
        const bare = signed(`m.io/hub/${path.join('/')}`, 'm.io/hub', 'o.io/x');
        expect(bare).toBe(`o.io/x/${path.join('/')}`);
        expect(signed(`m.io/hub/${path.join('/')}:${tag}`, 'm.io/hub', 'o.io/x')).toBe(bare);
      }),
      { numRuns: 100 },
    );
  });
});
