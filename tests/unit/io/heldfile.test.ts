import { describe, expect, it } from 'vitest';
import { type HeldFile, heldFile, keeps } from '../../../functions/io/heldfile.ts';

const object = (name: string): string => `apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: ${name} }\n`;
/** What is held of a.yaml after a look at it. */
const look = (text: string, stamp: string, before: HeldFile | undefined, now: number): HeldFile | undefined =>
  heldFile({ path: 'a.yaml', stamp, bytes: Buffer.from(text) }, before, now);
const entry = (stamp: string) => ({ path: 'a.yaml', stamp, size: 1 });
const names = (held: HeldFile | undefined) => held?.objects.map(({ identity }) => identity.name);

describe('a file that is held', () => {
  it('is read again until its stamp is older than a tick of the clock: two writes within one tick may leave one stamp', () => {
    const first = look(object('a'), 's', undefined, 0);
    expect(keeps(first, entry('s'))).toBe(false);
    const second = look(object('b'), 's', first, 1_999);
    expect(names(second)).toEqual(['b']);
    expect(keeps(second, entry('s'))).toBe(false);
    const third = look(object('c'), 's', second, 2_000);
    expect(names(third)).toEqual(['c']);
    expect(keeps(third, entry('s'))).toBe(true);
  });

  it('is read again when its stamp differs, and is then as new as any', () => {
    const sure = look(object('a'), 's', look(object('a'), 's', undefined, 0), 5_000);
    expect(keeps(sure, entry('s'))).toBe(true);
    expect(keeps(sure, entry('t'))).toBe(false);
    expect(keeps(look(object('a'), 't', sure, 9_000), entry('t'))).toBe(false);
  });

  it('is read again for as long as the clock stands, or after it was set back', () => {
    const held = look(object('a'), 's', undefined, 50_000);
    expect(keeps(look(object('a'), 's', held, 50_000), entry('s'))).toBe(false);
    expect(keeps(look(object('a'), 's', held, 1_000), entry('s'))).toBe(false);
  });

  it('is parsed once for the same bytes', () => {
    const first = look(object('a'), 's', undefined, 0);
    expect(look(object('a'), 't', first, 1)?.objects).toBe(first?.objects);
  });

  it('keeps its objects and tells its mistake for as long as the mistake stands', () => {
    const good = look(object('a'), 's', undefined, 0);
    const bad = look('kind: {', 't', good, 1);
    expect(names(bad)).toEqual(['a']);
    expect(bad?.problems).toHaveLength(1);
    expect(look('kind: {', 't', bad, 2)).toMatchObject({ problems: bad?.problems, objects: good?.objects });
    expect(look(object('b'), 'u', bad, 3)).toMatchObject({ problems: [] });
  });

  it('is always read again when it could not be read', () => {
    const held = heldFile({ path: 'a.yaml', stamp: 's', problem: 'may not be read' }, undefined, 0);
    const still = heldFile({ path: 'a.yaml', stamp: 's', problem: 'may not be read' }, held, 9_000);
    expect(still?.problems).toEqual(['a.yaml may not be read']);
    expect(keeps(still, entry('s'))).toBe(false);
  });
});
