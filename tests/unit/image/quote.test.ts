import { describe, expect, it } from 'vitest';
import { quote } from '../../../functions/image/quote.ts';

describe('quote', () => {
  it('puts text in double quotes', () => {
    expect(quote('nginx:1.27')).toBe('"nginx:1.27"');
  });
  it('escapes quotes, backslashes, control characters and what is not ASCII', () => {
    expect(quote('"\\\u0007é')).toBe('"\\"\\\\\\u0007\\u00e9"');
  });
  it('cuts long text and says how long it was', () => {
    expect(quote('a'.repeat(5000))).toBe(`"${'a'.repeat(200)}…" (5000 characters)`);
  });
});
