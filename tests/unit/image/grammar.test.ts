import { describe, expect, it } from 'vitest';
import { digestProblem, hostProblem, isHex, pathProblem, tagProblem } from '../../../functions/image/grammar.ts';

describe('the grammar of image names', () => {
  it.each(['a', 'a.b', 'a-b.c:1', '10.0.0.1', '[::1]', '[::1]:65535', 'localhost:5000'])(
    'takes the host %s',
    (host) => {
      expect(hostProblem(host)).toBeUndefined();
    },
  );
  it.each(['', '.', 'a.', 'a:', 'a:x', 'A', 'a_b', '[]', '[1]', '[::1', '[::1]5', '[::12345]', 'a b'])(
    'does not take the host %j',
    (host) => {
      expect(hostProblem(host)).toBeDefined();
    },
  );
  it('bounds host, path and tag', () => {
    expect(hostProblem('a'.repeat(255))).toBeUndefined();
    expect(hostProblem('a'.repeat(256))).toBeDefined();
    expect(pathProblem('a'.repeat(255))).toBeUndefined();
    expect(pathProblem('a'.repeat(256))).toBeDefined();
    expect(tagProblem('a'.repeat(128))).toBeUndefined();
    expect(tagProblem('a'.repeat(129))).toBeDefined();
  });
  it.each(['a', 'a/b', 'a.b_c__d-e---f/0'])('takes the path %s', (path) => {
    expect(pathProblem(path)).toBeUndefined();
  });
  it.each(['', '/', 'a/', '_a', 'a-', 'a..b', 'a___b', 'a._b', 'a:b', 'é'])('does not take the path %j', (path) => {
    expect(pathProblem(path)).toBeDefined();
  });
  it.each(['v1', '_', 'V1.2-3_4'])('takes the tag %s', (tag) => {
    expect(tagProblem(tag)).toBeUndefined();
  });
  it.each(['', '.v1', '-v1', 'v1+x', 'v 1', 'v1/'])('does not take the tag %j', (tag) => {
    expect(tagProblem(tag)).toBeDefined();
  });
  it('takes sha256 digests in lower case alone', () => {
    expect(digestProblem(`sha256:${'0f'.repeat(32)}`)).toBeUndefined();
    expect(digestProblem(`sha256:${'0F'.repeat(32)}`)).toBeDefined();
    expect(digestProblem(`sha512:${'0f'.repeat(64)}`)).toContain('no other kind');
    expect(isHex('0af')).toBe(true);
    expect(isHex('0ag')).toBe(false);
  });
});
