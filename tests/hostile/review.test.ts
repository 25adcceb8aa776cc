import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../functions/limits.ts';
import { parseReview, salvageEnvelope } from '../../functions/request/review.ts';
import { readWorkload, WORKLOAD_KINDS } from '../../functions/request/workload.ts';
import { bytesOf, podSpec, reviewOf, workloadOf } from '../support/review.ts';

/** Characters that a message of a refusal may have at most. */
const MESSAGE = 8192;
const GOOD = JSON.stringify(reviewOf(workloadOf('Pod', podSpec(['evil']))));

const refusal = (body: Uint8Array) => {
  const result = parseReview(body);
  salvageEnvelope(body);
  if (result.ok) throw new Error('the review was accepted');
  expect(result.refusal.message.length).toBeLessThan(MESSAGE);
  return result.refusal;
};
const within = (before: string, text: string): Uint8Array => bytesOf(GOOD.replace(before, text));

describe('hostile bodies', () => {
  it.each([
    ['nothing', '', 'empty'],
    ['white space', ' \n ', 'not JSON'],
    ['text', 'hello', 'not JSON'],
    ['a form', 'request=1&uid=2', 'not JSON'],
    ['half a review', GOOD.slice(0, -1), 'not JSON'],
    ['a review and more', `${GOOD}{}`, 'not JSON'],
    ['a comment', `/* */${GOOD}`, 'not JSON'],
    ['NaN', GOOD.replace('false', 'NaN'), 'not JSON'],
    ['a single quote', GOOD.replace('"team"', "'team'"), 'not JSON'],
    ['a raw line break in a string', GOOD.replace('team', 'te\nam'), 'not JSON'],
    ['a number', '7', 'must be object'],
    ['an unclosed string', '"', 'not JSON'],
    ['an escape at the end', '"\\', 'not JSON'],
    ['a byte order mark', `\ufeff${GOOD}`, 'byte order mark'],
    ['closing brackets', ']'.repeat(1000), 'not JSON'],
    ['an empty object', '{}', 'request: is missing'],
  ])('refuses %s', (_, text, why) => {
    expect(refusal(bytesOf(text)).message).toContain(why);
  });

  it.each([
    ['a byte that no UTF-8 has', [0xff]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a sequence cut off', [0xe2, 0x82]],
  ])('refuses %s within a string', (_, bytes) => {
    const at = GOOD.indexOf('evil');
    const body = Buffer.concat([Buffer.from(GOOD.slice(0, at)), Uint8Array.from(bytes), Buffer.from(GOOD.slice(at))]);
    expect(refusal(body).message).toContain('UTF-8');
  });

  it('refuses UTF-16', () => {
    expect(refusal(Buffer.from(GOOD, 'utf16le')).code).toBe('REVIEW_INVALID');
  });

  it('refuses 20 MiB without reading them', () => {
    expect(refusal(new Uint8Array(20 * 1024 * 1024).fill(0x5b)).code).toBe('REVIEW_TOO_LARGE');
  });

  it.each([
    ['brackets', '[', ''],
    ['objects', '{"a":', '1'],
    ['brackets that are closed', '[', ']'],
  ])('refuses a million nested %s by their depth', (_, open, close) => {
    expect(refusal(bytesOf(open.repeat(1_000_000) + close.repeat(1_000_000))).message).toContain('levels deep');
  });

  it('takes nesting up to the limit and none beyond it', () => {
    const nested = (levels: number) => within('"spec":{', `"spec":{"x":${'['.repeat(levels)}${']'.repeat(levels)},`);
    expect(parseReview(nested(LIMITS.reviewDepth - 4)).ok).toBe(true);
    expect(refusal(nested(LIMITS.reviewDepth - 3)).message).toContain('levels deep');
  });

  it('does not count brackets within strings as depth', () => {
    expect(parseReview(within('"team"', `"team","x":"${'[{\\"'.repeat(1000)}"`)).ok).toBe(true);
  });

  it.each([
    ['the request', '"request":', '"request":{},"request":'],
    ['the uid', '"uid":', '"uid":"x","uid":'],
    ['the object', '"oldObject":', '"object":{},"oldObject":'],
    ['an image, deep down', '"image":"evil"', '"image":"evil","image":"nginx"'],
    ['an image, by an escape', '"image":"evil"', '"image":"evil","\\u0069mage":"nginx"'],
    ['__proto__', '"image":"evil"', '"__proto__":{},"image":"evil","__proto__":{}'],
    ['an object that the later one drops', '"image":"evil"', '"x":{"a":{"b":1}},"image":"evil","x":1'],
    ['an empty name', '"image":"evil"', '"":1,"image":"evil","":1'],
    ['a number', '"image":"evil"', '"1":1,"image":"evil","1":1'],
  ])('refuses a body that repeats %s', (_, before, text) => {
    expect(refusal(within(before, text)).message).toContain('repeats the name');
  });

  it('refuses half a million names of which the last repeats the first', () => {
    const names = Array.from({ length: 500_000 }, (_, index) => `"${index % 499_999}":0`).join(',');
    expect(refusal(within('"image":"evil"', `"image":"evil",${names}`)).message).toContain('repeats the name "0"');
  });

  it('does not take the field of a prototype for a field of the review', () => {
    for (const text of [
      '{"__proto__":{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}}',
      GOOD.replace('"operation":"CREATE"', '"__proto__":{"operation":"DELETE"}'),
      GOOD.replace('"uid":', '"__proto__":{"uid":"x"},"other":'),
    ])
      expect(refusal(bytesOf(text)).message).toContain('is missing');
    expect(({} as Record<string, unknown>)['operation']).toBeUndefined();
  });

  it('does not take the field of a prototype for a field of the workload', () => {
    const body = within('"metadata":{', '"metadata":{"__proto__":{"ownerReferences":[{"controller":true}]},');
    const review = parseReview(body);
    const kind = WORKLOAD_KINDS.find((entry) => entry.kind === 'Pod');
    if (!review.ok || review.value.object === undefined || kind === undefined) throw new Error('refused');
    expect(readWorkload(kind, review.value.object)).toMatchObject({ ok: true, value: { controller: undefined } });
  });

  it.each(['__proto__', 'constructor', 'toString'])('refuses the operation %s', (operation) => {
    expect(refusal(within('"CREATE"', `"${operation}"`)).message).toContain('request.operation');
  });

  it('refuses wrong fields by the hundred with one bounded message', () => {
    const request: Record<string, number> = {};
    for (let index = 0; index < 100_000; index++) request[`x${index}`] = index;
    const message = refusal(bytesOf({ apiVersion: 'x', kind: 'y', request })).message;
    expect(message).toContain('request.uid: is missing');
  });

  it('refuses a workload with a list of a hundred thousand wrong containers with one bounded message', () => {
    const kind = WORKLOAD_KINDS[0];
    const result = kind && readWorkload(kind, { spec: { containers: Array(100_000).fill(7) } });
    expect(result?.ok === false && result.refusal.message.length < MESSAGE).toBe(true);
  });
});
