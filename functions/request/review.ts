import type { Result } from '../codes.ts';
import { accept, refuse } from '../codes.ts';
import { quote } from '../image/quote.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import { isObject, own } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { countMembers, measure, repeatedName, type Token, walkTokens } from './scan.ts';
import { reviewProblems } from './schema.ts';

/** Group, version and kind, or group, version and resource. */
export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** An AdmissionReview request (admission.k8s.io/v1 AdmissionRequest), narrowed. */
export interface AdmissionRequest {
  /** Version the answer must be given in. */
  readonly apiVersion: 'admission.k8s.io/v1' | 'admission.k8s.io/v1beta1';
  readonly uid: string;
  readonly kind: GroupVersion & { readonly kind: string };
  readonly resource: GroupVersion & { readonly resource: string };
  readonly subResource: string | undefined;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly namespace: string;
  /** Empty where generateName is used. */
  readonly name: string;
  readonly object: JsonObject | undefined;
  readonly oldObject: JsonObject | undefined;
  readonly dryRun: boolean;
}

/** Bytes in which uid and apiVersion of a refused body are looked for: an API server writes them first. */
const ENVELOPE_BYTES = 64 * 1024;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const bad = (why: string) => refuse('REVIEW_INVALID', `The request body is not an AdmissionReview: ${why}.`);

function parseJson(body: Uint8Array): Result<unknown> {
  let text: string;
  try {
    text = decoder.decode(body);
  } catch {
    return bad('it is not valid UTF-8');
  }
  if (text.startsWith('\ufeff')) return bad('it begins with a byte order mark');
  try {
    return accept(JSON.parse(text));
  } catch {
    // The parser's own message quotes the body, which may hold what is secret.
    return bad('it is not JSON');
  }
}

/** Parses JSON whose size, depth and uniqueness of names hold. */
function readBody(body: Uint8Array): Result<unknown> {
  if (body.length === 0) return bad('it is empty');
  if (body.length > LIMITS.reviewBytes)
    return refuse('REVIEW_TOO_LARGE', `The request body is larger than ${LIMITS.reviewBytes} bytes.`);
  const { depth, members } = measure(body);
  if (depth > LIMITS.reviewDepth) return bad(`it is nested more than ${LIMITS.reviewDepth} levels deep`);
  const json = parseJson(body);
  if (!json.ok || countMembers(json.value) === members) return json;
  const name = repeatedName(body);
  return bad(name === undefined ? 'an object in it repeats a name' : `an object in it repeats the name ${quote(name)}`);
}

const text = (object: JsonObject, name: string): string => {
  const value = own(object, name);
  return typeof value === 'string' ? value : '';
};
const child = (object: JsonObject, name: string): JsonObject | undefined => {
  const value = own(object, name);
  return isObject(value) ? value : undefined;
};

/** What the object says of its own kind must be what the request says, where it says anything. */
function kindProblem(request: JsonObject, field: 'object' | 'oldObject'): string | undefined {
  const object = child(request, field);
  const kind = child(request, 'kind') ?? {};
  if (object === undefined) return undefined;
  const group = text(kind, 'group');
  const apiVersion = `${group}${group === '' ? '' : '/'}${text(kind, 'version')}`;
  const said = `${text(object, 'apiVersion') || apiVersion} ${text(object, 'kind') || text(kind, 'kind')}`;
  const asked = `${apiVersion} ${text(kind, 'kind')}`;
  return said === asked ? undefined : `request.${field}: is ${quote(said)}, but request.kind says ${quote(asked)}`;
}

function narrow(apiVersion: AdmissionRequest['apiVersion'], request: JsonObject): AdmissionRequest {
  const kind = child(request, 'kind') ?? {};
  const resource = child(request, 'resource') ?? {};
  return {
    apiVersion,
    uid: text(request, 'uid'),
    kind: { group: text(kind, 'group'), version: text(kind, 'version'), kind: text(kind, 'kind') },
    resource: {
      group: text(resource, 'group'),
      version: text(resource, 'version'),
      resource: text(resource, 'resource'),
    },
    subResource: text(request, 'subResource') || undefined,
    operation: text(request, 'operation') as AdmissionRequest['operation'],
    namespace: text(request, 'namespace'),
    name: text(request, 'name'),
    object: child(request, 'object'),
    oldObject: child(request, 'oldObject'),
    dryRun: own(request, 'dryRun') === true,
  };
}

/**
 * Parses a body (JSON in UTF-8). Refuses with REVIEW_TOO_LARGE, or with REVIEW_INVALID and every bad field named; a name that an
 * object repeats, and nesting beyond the limit, are refused wherever they stand.
 */
export function parseReview(body: Uint8Array): Result<AdmissionRequest> {
  const json = readBody(body);
  if (!json.ok) return json;
  const wrong = reviewProblems(json.value);
  if (wrong.length > 0) return bad(wrong.join('; '));
  const { apiVersion, request } = json.value as { apiVersion: AdmissionRequest['apiVersion']; request: JsonObject };
  const unlike = (['object', 'oldObject'] as const).flatMap((field) => kindProblem(request, field) ?? []);
  return unlike.length === 0 ? accept(narrow(apiVersion, request)) : bad(unlike.join('; '));
}

/** uid and apiVersion for the answer to a body that `parseReview` refused, as far as they can be told (empty; v1). */
export function salvageEnvelope(body: Uint8Array): { uid: string; apiVersion: AdmissionRequest['apiVersion'] } {
  const found = new Map<string, JsonValue>();
  const path: string[] = [];
  const onToken = ({ depth, text: token, isName }: Token): void => {
    if (isName) path[depth] = token;
    const at = path.slice(1, depth + 1).join('\0');
    if (!isName && !found.has(at)) found.set(at, token);
    if (!isName) path[depth] = '';
  };
  walkTokens(body.subarray(0, ENVELOPE_BYTES), (token) => token.depth <= 2 && onToken(token));
  const uid = found.get('request\0uid');
  const apiVersion =
    found.get('apiVersion') === 'admission.k8s.io/v1beta1' ? 'admission.k8s.io/v1beta1' : 'admission.k8s.io/v1';
  return { uid: typeof uid === 'string' && uid.length <= LIMITS.uidLength ? uid : '', apiVersion };
}
