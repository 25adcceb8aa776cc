import { describe, expect, it } from 'vitest';
import { Fault } from '../../../functions/codes.ts';
import { secretOf } from '../../../functions/io/objects.ts';
import type { JsonObject } from '../../../functions/json.ts';
import type { SecretName } from '../../../functions/policy/policy.ts';
import type { Cluster, SecretObject } from '../../../functions/ports.ts';
import { TrustError } from '../../../functions/trust/notary/error.ts';
import { ALLOWED_NAMESPACES, findSecret, readSigner } from '../../../functions/trust/secret.ts';
import { certify, makeKey } from '../../support/tuf/key.ts';

const signal = new AbortController().signal;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const pem = makeKey().pem;
/** As the API server gives it. */
const stored = (data: Record<string, string>, metadata: JsonObject = {}): SecretObject => {
  const encoded = Object.fromEntries(Object.entries(data).map(([name, text]) => [name, base64(text)]));
  const secret = secretOf({ metadata, data: encoded, type: 'Opaque' }, { namespace: 'security', name: 'alice' });
  if (Array.isArray(secret)) throw new Error('the Secret is one');
  return secret as SecretObject;
};
const clusterOf = (secret: SecretObject | undefined): Pick<Cluster, 'secret'> & { readonly asked: string[] } => {
  const asked: string[] = [];
  return {
    asked,
    secret: async (namespace, name) => {
      asked.push(`${namespace}/${name}`);
      return secret;
    },
  };
};
const find = (secret: SecretObject | undefined, named: SecretName) =>
  findSecret(clusterOf(secret), named, 'team', signal);
const read = (secret: SecretObject | undefined): string => {
  try {
    const signer = readSigner({ label: 'security/alice', secret, absent: 'does not exist' });
    return `${signer.name} ${signer.key.kind} ${signer.secret}`;
  } catch (error) {
    if (error instanceof TrustError) return `${error.code}: ${error.message}`;
    throw error;
  }
};

describe('a Secret that a policy names', () => {
  it('is read from its namespace, or where none is written from that of the workload', async () => {
    const cluster = clusterOf(undefined);
    await findSecret(cluster, { namespace: 'security', name: 'alice' }, 'team', signal);
    await findSecret(cluster, { namespace: undefined, name: 'alice' }, 'team', signal);
    expect(cluster.asked).toEqual(['security/alice', 'team/alice']);
  });

  it.each([
    ['team', true],
    ['a, team ,b', true],
    ['*', true],
    ['a,b', false],
    ['', false],
  ])('allows by the annotation %j: %s', async (annotation, allowed) => {
    const secret = stored({}, { annotations: { [ALLOWED_NAMESPACES]: annotation } });
    const found = await find(secret, { namespace: 'security', name: 'alice', asker: 'team' });
    expect(found.secret === undefined).toBe(!allowed);
  });

  it.each<[string, JsonObject]>([
    ['no annotations', {}],
    ['annotations that are no object', { annotations: 'team' }],
    ['an annotation that is a list', { annotations: { [ALLOWED_NAMESPACES]: ['team'] } }],
    ['an annotation by a like name', { annotations: { [ALLOWED_NAMESPACES.toUpperCase()]: 'team' } }],
    ['a label', { labels: { [ALLOWED_NAMESPACES]: 'team' } }],
  ])('allows nothing with %s', async (_, metadata) => {
    const found = await find(stored({}, metadata), { namespace: 'security', name: 'alice', asker: 'team' });
    expect(found).toMatchObject({
      secret: undefined,
      absent: expect.stringContaining('does not allow the namespace team'),
    });
  });

  it('that cannot be read is a fault, never an absence', async () => {
    const cluster = { secret: () => Promise.reject(new Fault('CLUSTER_UNREACHABLE', 'down')) };
    await expect(findSecret(cluster, { namespace: 'a', name: 'b' }, 'team', signal)).rejects.toThrow(Fault);
  });
});

describe('the Secret of a signer', () => {
  it.each<[string, string]>([
    ['a public key, as OpenSSL writes it', pem],
    ['a public key with white space around it', `\n\n${pem}\n\n`],
    [
      'a public key with a header, as docker trust key generate writes it',
      pem.replace('-----\n', '-----\nrole: alice\n\n'),
    ],
    [
      'the same with the line ends of Windows',
      pem.replace('-----\n', '-----\nrole: alice\n\n').replaceAll('\n', '\r\n'),
    ],
    ['a certificate, as Notary keeps it', certify(makeKey(), 'alice').value.toString('latin1')],
  ])('may hold %s', (_, publicKey) => {
    expect(read(stored({ name: 'alice', publicKey }))).toBe('alice ecdsa security/alice');
  });

  it.each<[string, Record<string, string>, string]>([
    ['no name', { publicKey: pem }, 'has no valid signer name under the key "name"'],
    ['a name that leads elsewhere', { name: '../releases', publicKey: pem }, 'has no valid signer name'],
    ['a name of two steps', { name: 'a/b', publicKey: pem }, 'has no valid signer name'],
    ['no key', { name: 'alice' }, 'has no public key under the key "publicKey"'],
    ['garbage', { name: 'alice', publicKey: 'garbage' }, 'holds no usable public key'],
    ['two keys', { name: 'alice', publicKey: pem + pem }, 'holds no usable public key'],
    [
      'a header that is none',
      { name: 'alice', publicKey: pem.replace('-----\n', '-----\nrole alice\n\n') },
      'holds no usable public key',
    ],
    [
      'headers and nothing else',
      { name: 'alice', publicKey: '-----BEGIN PUBLIC KEY-----\nrole: alice\n\n-----END PUBLIC KEY-----' },
      'holds no usable public key',
    ],
  ])('is refused with %s', (_, data, reason) => {
    expect(read(stored(data))).toMatch(/^SIGNER_SECRET_INVALID: Signer Secret security\/alice /);
    expect(read(stored(data))).toContain(reason);
  });

  it('is refused with a private key, and that is not told', () => {
    const key = makeKey().privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const message = read(stored({ name: 'alice', publicKey: key }));
    expect(message).toMatch(/^SIGNER_SECRET_INVALID/);
    expect(message).not.toContain(key.split('\n')[1]);
  });

  it('is refused where it does not exist', () => {
    expect(read(undefined)).toBe('SIGNER_SECRET_INVALID: Signer Secret security/alice does not exist.');
  });
});
