import { describe, expect, it } from 'vitest';
import type { RootPin } from '../../../functions/policy/policy.ts';
import type { SecretObject } from '../../../functions/ports.ts';
import { TrustError } from '../../../functions/trust/notary/error.ts';
import { parsePublicKey } from '../../../functions/trust/notary/keys.ts';
import { resolvePins } from '../../../functions/trust/roots.ts';
import { certify, makeKey } from '../../support/tuf/key.ts';

const GUN = 'docker.io/acme/app';
const [X, Y, Z] = ['1'.repeat(64), '2'.repeat(64), '3'.repeat(64)];
const authority = certify(makeKey(), 'CA', { authority: true }).value.toString('latin1');
const leaf = certify(makeKey(), GUN).value.toString('latin1');
const pin = (pins: Partial<RootPin>): RootPin => ({
  field: 'roots[0]',
  gun: '*',
  keyIds: [],
  publicKeys: [],
  certificateAuthority: undefined,
  secret: undefined,
  ...pins,
});
const secretOf = (texts: Record<string, string>): SecretObject => ({
  namespace: 'security',
  name: 'roots',
  type: 'Opaque',
  data: new Map(Object.entries(texts).map(([name, text]) => [name, new TextEncoder().encode(text)])),
});
const resolve = (roots: readonly RootPin[], secret?: SecretObject, gun = GUN) =>
  resolvePins({ roots, gun, namespace: 'team' }, { secret: async () => secret }, new AbortController().signal);
const idsOf = async (...roots: RootPin[]): Promise<string[] | undefined> => {
  const pins = await resolve(roots);
  return pins && [...pins.keyIds];
};
const refusal = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof TrustError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
};

describe('the pins that count for a repository', () => {
  it('are none where none covers it', async () => {
    expect(await idsOf()).toBeUndefined();
    expect(
      await idsOf(pin({ gun: 'docker.io/acme/*x', keyIds: [X] }), pin({ gun: 'docker.io/acme', keyIds: [X] })),
    ).toBeUndefined();
  });

  it('are those of its very name, else of the longest beginning', async () => {
    const all = [
      pin({ keyIds: [X] }),
      pin({ gun: 'docker.io/*', keyIds: [Y] }),
      pin({ gun: 'docker.io/acme/*', keyIds: [Z] }),
    ];
    expect(await idsOf(...all)).toEqual([Z]);
    expect(await idsOf(...all, pin({ gun: GUN, keyIds: [X] }))).toEqual([X]);
    expect(await idsOf(...all.slice(0, 2))).toEqual([Y]);
    // The beginning that is the whole name is longer by its star, and still no match for the name itself.
    expect(await idsOf(pin({ gun: `${GUN}*`, keyIds: [Y] }), pin({ gun: GUN, keyIds: [X] }))).toEqual([X]);
  });

  it('are all that is pinned for the same name', async () => {
    expect(await idsOf(pin({ gun: GUN, keyIds: [X] }), pin({ gun: GUN, keyIds: [Y] }))).toEqual([X, Y]);
  });

  it('are keys before a CA, even where the CA is pinned for a longer name, as in the client of Notary', async () => {
    const ca = pin({ gun: GUN, certificateAuthority: authority });
    expect(await resolve([ca])).toMatchObject({ authorities: [{ commonName: 'CA' }] });
    expect(await resolve([ca, pin({ keyIds: [X] })])).toEqual({
      keyIds: new Set([X]),
      fingerprints: new Set(),
      authorities: [],
    });
  });

  it('may be public keys, plain or as certificates', async () => {
    const key = makeKey();
    const parsed = parsePublicKey(key.pem);
    const pins = await resolve([pin({ publicKeys: [key.pem, certify(key, GUN).value.toString('latin1')] })]);
    expect([...(pins?.fingerprints ?? [])]).toEqual([parsed.ok && parsed.value.fingerprint]);
  });

  it('may be in a Secret, which is read only for a repository that they cover', async () => {
    const named = pin({ gun: 'docker.io/acme/*', secret: { namespace: 'security', name: 'roots' } });
    const key = makeKey();
    const pins = await resolve([named], secretOf({ keyIds: `${X}\n ${Y},${Z}`, publicKey: key.pem + leaf }));
    expect(pins?.keyIds).toEqual(new Set([X, Y, Z]));
    expect(pins?.fingerprints.size).toBe(2);
    expect((await resolve([named], secretOf({ 'ca.crt': authority + authority })))?.authorities).toHaveLength(2);
    expect(await resolve([named], undefined, 'quay.io/other/app')).toBeUndefined();
  });

  it.each<[string, Record<string, string> | undefined, string]>([
    ['does not exist', undefined, 'does not exist'],
    ['holds nothing', { other: 'x' }, 'holds nothing under the keys'],
    ['holds IDs that are none', { keyIds: 'abc' }, 'something other than IDs'],
    ['holds a broken key', { publicKey: 'x' }, 'something other than PEM of usable public keys'],
    ['holds a leaf in place of a CA', { 'ca.crt': leaf }, 'something other than PEM of CA certificates'],
  ])('are refused where the Secret %s', async (_, texts, reason) => {
    const named = pin({ secret: { namespace: 'security', name: 'roots' } });
    const message = await refusal(resolve([named], texts && secretOf(texts)));
    expect(message).toMatch(/^ROOT_SECRET_INVALID: Secret security\/roots of root pins /);
    expect(message).toContain(reason);
  });

  it('are refused where the policy writes a key that can vouch for nothing, naming the field', async () => {
    expect(await refusal(resolve([pin({ field: 'spec.x.roots[2]', publicKeys: ['x'] })]))).toContain(
      'spec.x.roots[2].publicKeys[0]',
    );
    expect(await refusal(resolve([pin({ field: 'spec.x.roots[2]', certificateAuthority: leaf })]))).toContain(
      'is not a CA',
    );
  });
});
