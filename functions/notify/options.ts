import { isObject } from '../json.ts';
import { Invalid, integer, option, optional } from '../option.ts';

const onOff = (text: string): boolean | Invalid =>
  text === 'on' || text === 'off' ? text === 'on' : new Invalid('must be on or off');

function parseSink(text: string): URL | Invalid {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return new Invalid('must be an http:// or https:// address');
  return url.username === '' && url.password === '' ? url : new Invalid('must hold no user name or password');
}

/** `{"extensions": {"name": "value"}}`, as Knative's SinkBinding writes it (its ceOverrides); names by CloudEvents 1.0.2 §3.1. */
function parseOverrides(text: string): Readonly<Record<string, string>> | Invalid {
  let value: unknown;
  try {
    value = JSON.parse(text || '{}');
  } catch {
    return new Invalid('is not JSON');
  }
  const extensions = isObject(value) ? (value['extensions'] ?? {}) : undefined;
  if (!isObject(extensions)) return new Invalid('must be {"extensions": {"name": "value"}}');
  const bad = Object.entries(extensions).find(
    ([name, one]) =>
      !/^[a-z0-9]{1,20}$/.test(name) || RESERVED.has(name) || typeof one !== 'string' || !/^[\x20-\x7e]*$/.test(one),
  );
  if (bad === undefined) return extensions as Readonly<Record<string, string>>;
  return new Invalid(
    `extension ${JSON.stringify(bad[0])} must be 1 to 20 small letters and digits, no attribute of CloudEvents itself, and its value printable ASCII`,
  );
}

/** Attributes of CloudEvents that no override may take the place of. */
const RESERVED: ReadonlySet<string> = new Set([
  'id',
  'source',
  'specversion',
  'type',
  'datacontenttype',
  'dataschema',
  'subject',
  'time',
  'data',
]);

const parseSource = (text: string): string | Invalid =>
  text !== '' && text.length <= 256 && /^[\x21-\x7e]+$/.test(text) && URL.parse(text, 'http://cluster/') !== null
    ? text
    : new Invalid('must be a URI reference of at most 256 characters');

/** Options of who is told of refusals, a part of `OPTIONS`. */
export const NOTIFY_OPTIONS = {
  events: option(
    'EVENTS',
    'on',
    'whether refusals are told as Events of Kubernetes where SNAPSHOT is "cluster": on or off (docs/alerts.md)',
    onOff,
  ),
  sink: option(
    'K_SINK',
    '',
    "where CloudEvents of refusals and of trust data that expires are sent (docs/alerts.md); Knative's SinkBinding sets it",
    optional(parseSink),
  ),
  sinkAuthorities: option(
    'K_CA_CERTS',
    '',
    "certificate authorities (PEM) trusted for K_SINK, beside the system's; Knative's SinkBinding sets it",
    optional((text) => text),
  ),
  eventExtensions: option(
    'K_CE_OVERRIDES',
    '',
    'attributes of every CloudEvent as JSON, {"extensions": {"name": "value"}}; Knative\'s SinkBinding sets it',
    parseOverrides,
  ),
  eventSource: option(
    'CLOUDEVENTS_SOURCE',
    '/portieris',
    'source of every CloudEvent, a URI reference; give each cluster its own',
    parseSource,
  ),
  expiryNotice: option(
    'EXPIRY_NOTICE_DAYS',
    '14',
    'days before trust data expires from which on a CloudEvent tells of it, once a day for each repository; 0 for never',
    (text) => {
      const days = integer(0, 3650)(text);
      return typeof days === 'number' ? days * 86_400_000 : days;
    },
  ),
} as const;
