import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../functions/json.ts';
import type { Rule } from '../../../functions/policy/policy.ts';
import { fitsOf, selectRule } from '../../../functions/policy/select.ts';
import { snapshotOf } from '../../../functions/policy/snapshot.ts';
import { image, policyOf, trusting } from '../../support/policies.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const select = (objects: readonly JsonObject[], written: string, namespace = 'team') =>
  selectRule(snapshotOf(objects), namespace, image(written));
function chosen(objects: readonly JsonObject[], written: string, namespace?: string): Rule {
  const selected = select(objects, written, namespace);
  if (!selected.ok) throw new Error(selected.refusal.message);
  return selected.value;
}
const placeOf = ({ source }: Rule): string => `${source.name}${source.index}`;

describe('selectRule', () => {
  it('refuses where there is no policy at all, and where none matches, naming image, namespace and policies', () => {
    expect(select([], 'nginx')).toEqual({
      ok: false,
      refusal: {
        code: 'POLICY_NONE',
        message: expect.stringContaining('Image "nginx" (docker.io/library/nginx) in namespace "team": no ImagePolicy'),
      },
    });
    const objects = [policyOf('own', [{ name: 'quay.io/*' }], { namespace: 'team' }), policyOf('all', [{ name: '*' }])];
    expect(select(objects, 'nginx:1')).toEqual({
      ok: false,
      refusal: {
        code: 'POLICY_NO_MATCH',
        message: expect.stringContaining('no rule of the policies of the namespace matches: ImagePolicy team/own.'),
      },
    });
  });

  it('names a bounded number of policies', () => {
    const many = Array.from({ length: 25 }, (_, index) => policyOf(`p${index}`, [{ name: 'quay.io/*' }]));
    const selected = select(many, 'nginx');
    expect(selected.ok ? '' : selected.refusal.message).toMatch(/and 15 more\./);
  });

  it('writes what it quotes so that it cannot forge a message', () => {
    const selected = selectRule(snapshotOf([]), 'te"am\n', { ...image('nginx'), written: 'ng\u001b[31minx' });
    expect(selected.ok ? '' : selected.refusal.message).toMatch(/^Image "ng\\u001b\[31minx" .* "te\\"am\\u000a"/);
  });

  it('lets no rule without proof go by the tag of a name that carries a digest as well', () => {
    const objects = [policyOf('p', [{ name: 'nginx:v1' }, trusting('*')])];
    expect(placeOf(chosen(objects, 'nginx:v1'))).toBe('p0');
    expect(placeOf(chosen(objects, `nginx:v1@${DIGEST}`))).toBe('p1');
  });
});

describe('a floor', () => {
  const floor = policyOf('floor', [trusting('docker.io/*'), { name: 'docker.io/acme/free' }], {
    spec: { floor: true },
  });
  const lax = policyOf('own', [{ name: '*' }], { namespace: 'team' });

  it('is added to the rule of a namespace, the most specific of the floor', () => {
    const rule = chosen([floor, lax], 'nginx');
    expect(placeOf(rule)).toBe('own0');
    expect(rule.floor && placeOf(rule.floor)).toBe('floor0');
  });

  it('asks nothing of an image that it does not name, or lets go', () => {
    expect(chosen([floor, lax], 'quay.io/a/b').floor).toBeUndefined();
    expect(chosen([floor, lax], 'acme/free').floor).toBeUndefined();
  });

  it('is an ordinary policy where a namespace has none of its own, and holds beside more specific ones of the cluster', () => {
    expect(placeOf(chosen([floor], 'nginx'))).toBe('floor0');
    expect(chosen([floor], 'nginx').floor).toBeUndefined();
    const other = policyOf('other', [{ name: 'docker.io/library/nginx' }]);
    expect(chosen([floor, other], 'nginx').floor?.source.name).toBe('floor');
  });

  it('does not open what the namespace does not allow', () => {
    const strict = policyOf('own', [{ name: 'quay.io/*' }], { namespace: 'team' });
    expect(select([floor, strict], 'acme/free')).toMatchObject({ refusal: { code: 'POLICY_NO_MATCH' } });
  });

  it('writes the digest that it had proven, though the namespace would leave the tag', () => {
    const own = policyOf('own', [{ name: '*', policy: { mutateImage: false } }], { namespace: 'team' });
    expect(chosen([floor, own], 'nginx').mutateImage).toBe(true);
    expect(chosen([floor, own], 'quay.io/a/b').mutateImage).toBe(false);
  });

  it('is off unless it is asked for', () => {
    expect(chosen([policyOf('plain', [trusting('*')]), lax], 'nginx').floor).toBeUndefined();
    expect(
      chosen([policyOf('plain', [trusting('*')], { spec: { floor: false } }), lax], 'nginx').floor,
    ).toBeUndefined();
  });

  it('that is not valid refuses what falls under it, and nothing else', () => {
    const broken = policyOf('floor', [trusting('docker.io/*', { enabled: 'yes' })], { spec: { floor: true } });
    expect(chosen([broken, lax], 'nginx').floor?.requirements).toMatchObject([{ type: 'invalid' }]);
    expect(chosen([broken, lax], 'quay.io/a/b').floor).toBeUndefined();
    const misspelt = policyOf('floor', [], { spec: { floor: 'yes' } });
    expect(chosen([misspelt, lax], 'nginx').floor?.requirements).toMatchObject([{ type: 'invalid' }]);
  });
});

describe('fitsOf', () => {
  const fits = (objects: readonly JsonObject[], written: string): string[] =>
    fitsOf(snapshotOf(objects).rulesFor('team').rules, image(written)).map(
      ({ rule, fit }) => `${rule.pattern.written} ${fit}`,
    );

  it('names the one rule that selectRule takes, those that match beside it, and those that do not', () => {
    const objects = [policyOf('all', [{ name: '*' }, { name: 'quay.io/team/*' }, { name: 'quay.io/*' }])];
    expect(fits(objects, 'quay.io/team/app:1')).toEqual(['quay.io/team/* decides', 'quay.io/* weaker', '* weaker']);
    expect(fits(objects, 'nginx')).toEqual(['quay.io/team/* no-match', 'quay.io/* no-match', '* decides']);
  });

  it('tells a rule that would let a tag in from one that decides on the digest beside it', () => {
    const objects = [policyOf('all', [{ name: 'quay.io/app:v2' }, trusting('quay.io/*')])];
    expect(fits(objects, `quay.io/app:v2@${DIGEST}`)).toEqual(['quay.io/app:v2 tag-only', 'quay.io/* decides']);
    expect(placeOf(chosen(objects, `quay.io/app:v2@${DIGEST}`))).toBe('all1');
  });
});
