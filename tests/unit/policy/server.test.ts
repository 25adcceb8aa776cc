import { describe, expect, it } from 'vitest';
import { parseTrustServer } from '../../../functions/policy/server.ts';

describe('parseTrustServer', () => {
  it.each([
    ['https://notary.example.com', 'https://notary.example.com'],
    ['https://notary.example.com/', 'https://notary.example.com'],
    ['https://notary.example.com:443', 'https://notary.example.com'],
    ['https://NOTARY.example.com:4443', 'https://notary.example.com:4443'],
    ['https://[::1]:4443', 'https://[::1]:4443'],
    ['https://192.0.2.7:4443', 'https://192.0.2.7:4443'],
  ])('reads %s as the origin %s', (written, origin) => {
    expect(parseTrustServer(written)).toEqual({ origin });
  });

  it('takes an empty text for none', () => {
    expect(parseTrustServer('')).toEqual({ origin: undefined });
  });

  it.each(['https://', 'https://a:b:c', 'https://host:99999', 'http://host', 'notary.example.com', 'https://[::1'])(
    'says what is wrong with %s',
    (written) => {
      expect(parseTrustServer(written)).toEqual({ problem: expect.stringContaining('https://host') });
    },
  );
});
