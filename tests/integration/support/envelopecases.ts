import type { JsonObject } from '../../../functions/json.ts';
import { makeKey } from '../../support/tuf/key.ts';
import { type Corruption, signaturesOf, type TestRepository } from '../../support/tuf/repository.ts';
import { type Case, keyOf, RELEASES, spoil } from './world.ts';

const ROLES = ['root', 'timestamp', 'snapshot', 'targets', RELEASES] as const;

/** Something to be wrong with any one role: either its corruption, or how it comes about. */
interface Wrong {
  readonly what: string;
  readonly how: (repository: TestRepository, role: string) => Corruption;
}

const first = (signatures: JsonObject[]): JsonObject => signatures[0] ?? {};

/** The same signature with its last byte changed. */
const bent = (signature: unknown): string => {
  const bytes = Buffer.from(String(signature), 'base64');
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  return bytes.toString('base64');
};

const signatures = (
  what: string,
  edit: (list: JsonObject[], repository: TestRepository, role: string) => void,
): Wrong => ({
  what,
  how: (repository, role) => ({ envelope: (envelope) => edit(envelope.signatures, repository, role) }),
});

const signed = (what: string, edit: (body: JsonObject) => void): Wrong => ({ what, how: () => ({ edit }) });

const bytes = (what: string, change: (text: string) => string): Wrong => ({
  what,
  how: () => ({ bytes: (honest) => Buffer.from(change(honest.toString('utf8')), 'utf8') }),
});

const served = (what: string, change: (text: string) => string | undefined): Wrong => ({
  what,
  how: () => ({
    served: (honest) => {
      const text = change(honest.toString('utf8'));
      return text === undefined ? undefined : Buffer.from(text, 'utf8');
    },
  }),
});

const SIGNATURES: readonly Wrong[] = [
  signatures('has a signature with one bit changed', (list) => {
    first(list)['sig'] = bent(first(list)['sig']);
  }),
  signatures('has no signatures', (list) => {
    list.length = 0;
  }),
  signatures('has a signature by nobody it knows', (list) => {
    first(list)['keyid'] = 'ab'.repeat(32);
  }),
  { what: 'is signed by a stranger', how: () => ({ signers: [makeKey()] }) },
  {
    what: 'is signed by a stranger under the name of its key',
    how: (repository, role) => ({
      envelope: (envelope) => {
        const forged = signaturesOf(envelope.signed, [makeKey()])[0]?.['sig'];
        for (const one of envelope.signatures) one['sig'] = forged ?? '';
        first(envelope.signatures)['keyid'] = keyOf(repository, role).id;
      },
    }),
  },
  {
    what: 'was changed after it was signed',
    how: () => ({
      envelope: (envelope) => {
        envelope.signed['version'] = Number(envelope.signed['version']) + 1;
      },
    }),
  },
  signatures('has every signature twice', (list) => {
    list.push(...list.map((one) => ({ ...one })));
  }),
  signatures('has a worthless signature beside the good ones', (list) => {
    list.unshift({ keyid: 'cd'.repeat(32), method: 'ecdsa', sig: 'AAAA' });
  }),
  signatures('has a broken signature of its key before the good one', (list) => {
    list.unshift({ ...first(list), sig: bent(first(list)['sig']) });
  }),
  signatures('names an unknown signature algorithm', (list) => {
    for (const one of list) one['method'] = 'md5-of-hope';
  }),
  signatures('names the algorithm of another kind of key', (list) => {
    for (const one of list) one['method'] = 'rsapss';
  }),
  signatures('names its algorithm in capitals', (list) => {
    for (const one of list) one['method'] = String(one['method']).toUpperCase();
  }),
  signatures('names no algorithm', (list) => {
    for (const one of list) delete one['method'];
  }),
  signatures('has a signature that is not base64', (list) => {
    for (const one of list) one['sig'] = '%%%';
  }),
  signatures('has a signature that is too short', (list) => {
    for (const one of list) one['sig'] = Buffer.from(String(one['sig']), 'base64').subarray(1).toString('base64');
  }),
  signatures('has an empty signature', (list) => {
    for (const one of list) one['sig'] = '';
  }),
  signatures('names its keys in capitals', (list) => {
    for (const one of list) one['keyid'] = String(one['keyid']).toUpperCase();
  }),
];

const FIELDS: readonly Wrong[] = [
  signed('has expired', (body) => {
    body['expires'] = new Date(Date.now() - 60_000).toISOString();
  }),
  signed('has no expiry', (body) => {
    delete body['expires'];
  }),
  signed('has an expiry that is no date', (body) => {
    body['expires'] = 'tomorrow';
  }),
  signed('has an expiry in nanoseconds with an offset', (body) => {
    body['expires'] = '2086-01-02T03:04:05.123456789+05:30';
  }),
  signed('has an expiry on a day that does not exist', (body) => {
    body['expires'] = '2086-02-30T00:00:00Z';
  }),
  signed('says that it is of another type', (body) => {
    body['_type'] = 'Mirrors';
  }),
  signed('does not say its type', (body) => {
    delete body['_type'];
  }),
  signed('says its type in lower case', (body) => {
    body['_type'] = String(body['_type']).toLowerCase();
  }),
  signed('has version 0', (body) => {
    body['version'] = 0;
  }),
  signed('has a negative version', (body) => {
    body['version'] = -1;
  }),
  signed('has a version that is a string', (body) => {
    body['version'] = '1';
  }),
  signed('has no version', (body) => {
    delete body['version'];
  }),
  signed('has a field that nobody knows', (body) => {
    body['x-note'] = { nested: ['é', '<&>', '\u2028', null, true] };
  }),
];

const BYTES: readonly Wrong[] = [
  bytes('is cut short', (text) => text.slice(0, -7)),
  bytes('is empty', () => ''),
  bytes('is garbage', () => 'not JSON at all'),
  bytes('is null', () => 'null'),
  bytes('is a list', (text) => `[${text}]`),
  bytes('is an empty object', () => '{}'),
  bytes('has text after its end', (text) => `${text} trailing`),
  bytes('says "signed" twice, the second time honestly', (text) =>
    text.replace('{"signed":', '{"signed":{},"signed":'),
  ),
  bytes('says its version twice', (text) => text.replace('"version":', '"version":7,"version":')),
  bytes('has its version as a fraction', (text) => text.replace(/"version":(\d+)/, '"version":$1.5')),
  bytes('has its version as a decimal', (text) => text.replace(/"version":(\d+)/, '"version":$1.0')),
  bytes('has a version beyond 64 bits', (text) => text.replace(/"version":(\d+)/, '"version":99999999999999999999')),
  bytes('starts with a byte order mark', (text) => `\ufeff${text}`),
  bytes('is written with blanks between its parts', (text) => JSON.stringify(JSON.parse(text), undefined, 2)),
  served('is cut short on the way', (text) => text.slice(0, -7)),
  served('has one blank more than its parent knows', (text) => `${text} `),
  served('is missing', () => undefined),
  served('has another byte of the same length', (text) => text.replace('"signatures"', '"signaturez"')),
];

/** Each of what can be wrong with one file's envelope, for each role. */
export const ENVELOPE_CASES: readonly Case[] = ROLES.flatMap((role) =>
  [...SIGNATURES, ...FIELDS, ...BYTES].map(({ what, how }) => ({
    name: `${role} ${what}`,
    build: (repository: TestRepository) => spoil(role, how(repository, role))(repository),
  })),
);
