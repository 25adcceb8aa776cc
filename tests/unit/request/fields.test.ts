import { describe, expect, it } from 'vitest';
import { fieldOf, joinProblems, pointerOf, Reader } from '../../../functions/request/fields.ts';

describe('a place', () => {
  it('is written as a JSON pointer with tilde and slash escaped', () => {
    expect(pointerOf(['spec', 'a/b', 0, 'c~d'])).toBe('/spec/a~1b/0/c~0d');
  });
  it('is written for people with indexes in brackets', () => {
    expect(fieldOf(['spec', 'containers', 0, 'image'])).toBe('spec.containers[0].image');
  });
});

describe('Reader', () => {
  it('does not read fields of the prototype', () => {
    const reader = new Reader();
    const spot = { place: [], value: {} };
    expect(reader.object(spot, '__proto__')).toBeUndefined();
    expect(reader.string(spot, 'constructor')).toBeUndefined();
    expect(reader.list(spot, 'toString')).toEqual([]);
    expect(reader.problems).toEqual([]);
  });
});

describe('joinProblems', () => {
  it('says all of a few, and of many the first twenty and how many more', () => {
    expect(joinProblems(['a', 'b'])).toBe('a; b');
    const many = Array.from({ length: 25 }, (_, index) => `p${index}`);
    expect(joinProblems(many)).toMatch(/^p0; .*; p19; and 5 more$/);
  });
});
