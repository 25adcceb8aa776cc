import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../functions/json.ts';
import { below, joinProblems, type Place, Reader, ROOT, type Spot } from '../../../functions/request/fields.ts';

const placeOf = (...parts: readonly (string | number)[]) => parts.reduce<Place>(below, ROOT);

describe('a place', () => {
  it('is written as a JSON pointer with tilde and slash escaped', () => {
    expect(placeOf('spec', 'a/b', 0, 'c~d').pointer).toBe('/spec/a~1b/0/c~0d');
    expect(placeOf('~1/').pointer).toBe('/~01~1');
  });
  it('is written for people with indexes in brackets', () => {
    expect(placeOf('spec', 'containers', 0, 'image').field).toBe('spec.containers[0].image');
  });
});

describe('Reader', () => {
  const whole = (value: JsonObject): Spot => ({ ...ROOT, value });

  it('does not read fields of the prototype', () => {
    const reader = new Reader();
    const spot = whole({});
    expect(reader.object(spot, '__proto__')).toBeUndefined();
    expect(reader.string(spot, 'constructor')).toBeUndefined();
    expect(reader.list(spot, 'toString')).toEqual([]);
    expect(reader.problems).toEqual([]);
  });

  it('names the place of what has another type, and goes on', () => {
    const reader = new Reader();
    const spot = whole({ list: [{ name: 'a' }, 7, null], text: 1, object: 'no', nothing: null });
    expect(reader.list(spot, 'list')).toEqual([{ pointer: '/list/0', field: 'list[0]', value: { name: 'a' } }]);
    expect([reader.string(spot, 'text'), reader.object(spot, 'object'), reader.object(spot, 'nothing')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(reader.problems).toEqual([
      'list[1]: must be an object',
      'list[2]: must be an object',
      'text: must be a string',
      'object: must be an object',
    ]);
  });
});

describe('joinProblems', () => {
  it('says all of a few, and of many the first twenty and how many more', () => {
    expect(joinProblems(['a', 'b'])).toBe('a; b');
    const many = Array.from({ length: 25 }, (_, index) => `p${index}`);
    expect(joinProblems(many)).toMatch(/^p0; .*; p19; and 5 more$/);
  });
});
