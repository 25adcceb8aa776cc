import { beforeEach, describe, expect, it } from 'vitest';
import { approve, refuseReview } from '../../functions/answer/decision.ts';
import { DENY_CODES, FAULT_CODES } from '../../functions/codes.ts';
import { CACHE_EVENTS, type RoleExpiry, type TrustHoldings } from '../../functions/metrics/trust.ts';
import { type Metrics, openMetrics, type SourceState } from '../../functions/metrics.ts';
import { SUSPICIONS } from '../../functions/request/suspect.ts';

let metrics: Metrics;
beforeEach(() => {
  metrics = openMetrics();
});

const lines = async (): Promise<string[]> =>
  (await metrics.render()).text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
/** Value of one series, undefined where there is none. */
const value = async (series: string): Promise<number | undefined> => {
  const line = (await lines()).find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')));
};
const STATE: SourceState = { ready: true, problems: 0, warnings: 0, certificate: undefined };
const held = (expiries: readonly RoleExpiry[], more: Partial<TrustHoldings> = {}): TrustHoldings => ({
  entries: 1,
  bytes: 2,
  maxBytes: 3,
  expiries,
  omitted: 0,
  ...more,
});

describe('what is counted', () => {
  it('keeps the two names of Portieris', async () => {
    metrics.decided(approve('it is being deleted'), 0.001);
    metrics.decided(refuseReview({ code: 'KIND_UNKNOWN', message: '' }), 0.001);
    expect(await value('portieris_pod_admission_decision_allow_count')).toBe(1);
    expect(await value('portieris_pod_admission_decision_deny_count')).toBe(1);
  });

  it('begins every code, event and kind at 0, so that increase() sees the first one', async () => {
    for (const code of Object.keys({ ...DENY_CODES, ...FAULT_CODES }))
      expect(await value(`portieris_image_refusals_total{code="${code}"}`), code).toBe(0);
    for (const mode of ['warn', 'audit'])
      expect(await value(`portieris_images_tolerated_total{mode="${mode}",code="TRUST_ROLLBACK"}`)).toBe(0);
    expect(await value('portieris_images_tolerated_total{mode="enforce",code="TRUST_ROLLBACK"}')).toBeUndefined();
    for (const event of Object.keys(CACHE_EVENTS))
      expect(await value(`portieris_trust_cache_total{event="${event}"}`), event).toBe(0);
    for (const kind of [...Object.keys(SUSPICIONS), 'review_invalid'])
      expect(await value(`portieris_bypass_attempts_total{kind="${kind}"}`), kind).toBe(0);
    expect(await value('portieris_trust_requests_total{status="unreachable"}')).toBe(0);
    expect(await value('portieris_trust_fetch_seconds_count{outcome="fault"}')).toBe(0);
  });

  it('counts each refused image by its code', async () => {
    const images = ['TRUST_NOT_SIGNED', 'TRUST_NOT_SIGNED', 'TRUST_EXPIRED'] as const;
    metrics.decided({ allowed: false, message: '', codes: images, images: [], transient: false }, 0.001);
    expect(await value('portieris_image_refusals_total{code="TRUST_NOT_SIGNED"}')).toBe(2);
    expect(await value('portieris_image_refusals_total{code="TRUST_EXPIRED"}')).toBe(1);
    expect(await value('portieris_admission_seconds_count{allowed="false"}')).toBe(1);
  });

  it('counts claims that did not hold, whatever was decided, and bodies that are no review', async () => {
    metrics.decided(approve('it was signed'), 0.001, ['owner_unknown', 'deletion_claimed']);
    metrics.decided(refuseReview({ code: 'REVIEW_INVALID', message: '' }), 0.001);
    expect(await value('portieris_bypass_attempts_total{kind="owner_unknown"}')).toBe(1);
    expect(await value('portieris_bypass_attempts_total{kind="deletion_claimed"}')).toBe(1);
    expect(await value('portieris_bypass_attempts_total{kind="review_invalid"}')).toBe(1);
    expect(await value('portieris_image_refusals_total{code="REVIEW_INVALID"}')).toBe(1);
  });

  it('counts requests by status, and the rarer ones by their class: no server makes series of its own', async () => {
    for (const status of [200, 401, 418, 499, 301, 599, 'unreachable', 'timeout'] as const) metrics.requested(status);
    for (let status = 100; status < 600; status += 1) metrics.requested(status);
    expect(await value('portieris_trust_requests_total{status="unreachable"}')).toBe(1);
    expect(await value('portieris_trust_requests_total{status="401"}')).toBe(2);
    expect((await lines()).filter((line) => line.startsWith('portieris_trust_requests_total'))).toHaveLength(16);
  });

  it('tells of a certificate only where there is one', async () => {
    metrics.source(STATE);
    expect(await value('portieris_serving_certificate_expiry_timestamp_seconds')).toBeUndefined();
    metrics.source({ ...STATE, ready: false, problems: 2, warnings: 3, certificate: 1_900_000_000_000 });
    expect(await value('portieris_serving_certificate_expiry_timestamp_seconds')).toBe(1_900_000_000);
    expect(await value('portieris_source_ready')).toBe(0);
    expect(await value('portieris_policy_problems')).toBe(2);
    expect(await value('portieris_policy_warnings')).toBe(3);
  });

  it('says what runs', async () => {
    const [info] = (await lines()).filter((line) => line.startsWith('portieris_build_info'));
    expect(info).toMatch(/^portieris_build_info\{version="\d+\.\d+\.\d+",node="v\d+\.[\d.]+"\} 1$/);
  });

  it('tells of the process where it is asked to', async () => {
    metrics = openMetrics({ process: true });
    for (const name of [
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
      'nodejs_eventloop_active_seconds_total',
    ])
      expect(await value(name), name).toEqual(expect.any(Number));
  });
});

describe('what is held', () => {
  const expiry = (gun: string, expires: number, role = 'targets'): RoleExpiry => ({
    server: 'https://notary.example',
    gun,
    role,
    expires,
  });

  it('is asked for once at each scrape, and what left is not shown again', async () => {
    const answers = [held([expiry('a', 1000)], { entries: 7, omitted: 5 }), held([expiry('b', 2000)])];
    let asked = 0;
    metrics.holds(() => answers[asked++] ?? held([]));
    const first = await lines();
    expect(first).toContain('portieris_trust_cache_entries 7');
    expect(first).toContain('portieris_trust_cache_bytes 2');
    expect(first).toContain('portieris_trust_cache_max_bytes 3');
    expect(first).toContain('portieris_trust_expiry_omitted 5');
    const series = (gun: string) =>
      `portieris_trust_expiry_timestamp_seconds{server="https://notary.example",repository="${gun}",role="targets"}`;
    expect(first).toContain(`${series('a')} 1`);
    expect(asked).toBe(1);
    const second = await lines();
    expect(second.filter((line) => line.startsWith('portieris_trust_expiry_timestamp'))).toEqual([`${series('b')} 2`]);
    expect(asked).toBe(2);
  });

  it('keeps names of strangers within one line and one length; of two that look alike the sooner is told', async () => {
    const long = 'x'.repeat(300);
    const names = ['quote"}', 'back\\slash', 'line\nbreak 1', 'nul\0', 'ünïcode\u2028', `${long}a`, `${long}b`];
    metrics.holds(() => held(names.map((gun, index) => expiry(gun, (index + 1) * 1000))));
    const shown = (await lines()).filter((line) => line.startsWith('portieris_trust_expiry_timestamp'));
    expect(shown).toHaveLength(names.length - 1);
    const label = String.raw`"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"`;
    for (const line of shown)
      expect(line).toMatch(new RegExp(`^[a-z_]+\\{server=${label},repository=${label},role=${label}\\} \\d+$`));
    expect(shown.find((line) => line.includes('xxx'))).toMatch(/ 6$/);
  });
});
