import { isObject, type JsonObject, type JsonValue, own } from '../json.ts';
import { LIMITS } from '../limits.ts';
import type { Credential, SecretObject } from '../ports.ts';
import { parseRegistryKey, type RegistryKey } from './registrykey.ts';

/** A credential and the registry (host, port, path; wildcards in the host) it belongs to. */
export interface RegistryCredential {
  readonly key: RegistryKey;
  readonly credential: Credential;
}

/** What a pull secret holds. */
export interface PullSecret {
  readonly entries: readonly RegistryCredential[];
  /** A sentence for each entry that can't be used, without any secret. */
  readonly problems: readonly string[];
}

/** Field of the Secret's data by its type (kubernetes.io/dockerconfigjson wraps the entries in `auths`). */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ['kubernetes.io/dockerconfigjson', '.dockerconfigjson'],
  ['kubernetes.io/dockercfg', '.dockercfg'],
]);

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The JSON in the Secret's field, or what is wrong with it. The parser's own message is left out: it quotes the text. */
function readJson(bytes: Uint8Array | undefined, field: string): JsonValue | Error {
  if (bytes === undefined) return new Error(`has no field ${field}`);
  if (bytes.length > LIMITS.dockerConfigBytes)
    return new Error(`has more than ${LIMITS.dockerConfigBytes} bytes in ${field}`);
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    return new Error(`holds in ${field} what is not JSON in UTF-8`);
  }
}

/** Registry entries of a Secret, or what is wrong with it. */
function readAuths(secret: SecretObject): JsonObject | Error {
  const field = FIELDS.get(secret.type);
  if (field === undefined) return new Error(`has the type ${secret.type.slice(0, 100)}, which is not a pull secret's`);
  const json = readJson(secret.data.get(field), field);
  if (json instanceof Error) return json;
  if (!isObject(json)) return new Error(`holds in ${field} what is not a JSON object`);
  if (field === '.dockercfg') return json;
  const auths = own(json, 'auths') ?? {};
  return isObject(auths) ? auths : new Error(`holds in ${field} an auths that is not an object`);
}

/** `user:password` from the base64 of `auth`, or undefined; the zero bytes that old clients pad with are cut off. */
function decodeAuth(auth: string): readonly [string, string] | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(auth)) return undefined;
  try {
    const text = utf8.decode(Buffer.from(auth, 'base64'));
    const colon = text.indexOf(':');
    if (colon < 0) return undefined;
    let end = text.length;
    while (end > colon + 1 && text.charCodeAt(end - 1) === 0) end -= 1;
    return [text.slice(0, colon), text.slice(colon + 1, end)];
  } catch {
    return undefined;
  }
}

const text = (entry: JsonObject, name: string): string => {
  const value = own(entry, name);
  return typeof value === 'string' ? value : '';
};

/** The credential of one entry, or what is wrong with it. `auth` goes before username and password, as in Kubernetes. */
function readCredential(entry: JsonValue): Credential | Error {
  if (!isObject(entry)) return new Error('is not an object');
  const auth = text(entry, 'auth').trim();
  const decoded = auth === '' ? ([text(entry, 'username'), text(entry, 'password')] as const) : decodeAuth(auth);
  if (decoded === undefined) return new Error('holds an auth that is not base64 of user:password');
  const [username, password] = decoded;
  if (username.includes(':')) return new Error('holds a username with a colon');
  const identityToken = text(entry, 'identitytoken') || undefined;
  if (identityToken === undefined && (username === '' || password === '')) return new Error('holds no credential');
  return { username, password, identityToken };
}

/** One entry, or what is wrong with it. A name that is not a registry's is not shown: it may hold anything, a password too. */
function readEntry(name: string, value: JsonValue): RegistryCredential | string {
  const key = parseRegistryKey(name);
  if (key === undefined) return 'whose name is not that of a registry';
  const credential = readCredential(value);
  return credential instanceof Error ? `${key.host}${key.path} that ${credential.message}` : { key, credential };
}

/**
 * Reads a pull secret of type kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg. An entry that can't be used is reported and left out; the
 * others go on. At most LIMITS.dockerConfigAuths entries are read.
 */
export function parsePullSecret(secret: SecretObject): PullSecret {
  const where = `The Secret ${secret.namespace}/${secret.name}`;
  const auths = readAuths(secret);
  if (auths instanceof Error) return { entries: [], problems: [`${where} ${auths.message}.`] };
  const entries: RegistryCredential[] = [];
  const problems: string[] = [];
  const all = Object.entries(auths);
  if (all.length > LIMITS.dockerConfigAuths) {
    problems.push(`${where} has ${all.length} entries; only the first ${LIMITS.dockerConfigAuths} are read.`);
  }
  for (const [name, value] of all.slice(0, LIMITS.dockerConfigAuths)) {
    const entry = readEntry(name, value);
    if (typeof entry === 'string') problems.push(`${where} has an entry ${entry}.`);
    else entries.push(entry);
  }
  return { entries, problems };
}
