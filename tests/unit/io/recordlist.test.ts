import { describe, expect, it } from 'vitest';
import { bytesOf, recordsIn } from '../../../functions/io/recordlist.ts';

const record = (name: string) => ({ kind: 'TrustRecord', metadata: { name }, spec: { gun: `host/${name}\n"é` } });

describe('a list of records', () => {
  it.each([[[]], [['a']], [['b', 'a', 'c']]])('is JSON as anybody would indent it, by name: %j', (names) => {
    const records = new Map(names.map((name) => [name, record(name)]));
    const items = names.toSorted().map(record);
    expect(JSON.parse(bytesOf(records).toString())).toEqual({ apiVersion: 'v1', kind: 'List', items });
    expect(recordsIn(bytesOf(records).toString())).toEqual(new Map(items.map((item) => [item.metadata.name, item])));
    if (items.length > 0)
      expect(bytesOf(records).toString()).toBe(
        `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, undefined, 2)}\n`,
      );
  });

  it.each([
    ['{', 'it is not JSON'],
    ['[]', 'it is not a List of TrustRecords'],
    ['{"items":{}}', 'it is not a List of TrustRecords'],
  ])('is refused without its text: %s', (text, why) => {
    expect(() => recordsIn(text)).toThrow(why);
  });
});
