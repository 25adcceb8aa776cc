import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../../../functions/io/challenge.ts';

const read = (...lines: string[]) =>
  parseChallenges(lines)?.map(({ scheme, params }) => ({ scheme, ...Object.fromEntries(params) }));

describe('a WWW-Authenticate header', () => {
  it('is read as docker token services write it', () => {
    expect(
      read(
        'Bearer realm="https://auth.docker.io/token",service="notary.docker.io",scope="repository:docker.io/library/nginx:pull"',
      ),
    ).toEqual([
      {
        scheme: 'bearer',
        realm: 'https://auth.docker.io/token',
        service: 'notary.docker.io',
        scope: 'repository:docker.io/library/nginx:pull',
      },
    ]);
  });

  it.each<[string, string[], unknown]>([
    [
      'several challenges in one line',
      ['Basic realm="a", Bearer realm="b", service=c'],
      [
        { scheme: 'basic', realm: 'a' },
        { scheme: 'bearer', realm: 'b', service: 'c' },
      ],
    ],
    [
      'several lines',
      ['Basic realm=a', 'Bearer realm=b'],
      [
        { scheme: 'basic', realm: 'a' },
        { scheme: 'bearer', realm: 'b' },
      ],
    ],
    ['a scheme alone', ['Negotiate, Basic realm=a'], [{ scheme: 'negotiate' }, { scheme: 'basic', realm: 'a' }]],
    ['escapes and commas in quotes', ['Bearer realm="a\\"b\\\\c, d=e"'], [{ scheme: 'bearer', realm: 'a"b\\c, d=e' }]],
    [
      'white space and empty elements',
      [' , Bearer  realm = "a" ,, service= b '],
      [{ scheme: 'bearer', realm: 'a', service: 'b' }],
    ],
    ['names in any case', ['BEARER ReAlM=a'], [{ scheme: 'bearer', realm: 'a' }]],
    ['an empty quoted value', ['Bearer realm=""'], [{ scheme: 'bearer', realm: '' }]],
    [
      'reserved words',
      ['Bearer __proto__=a, constructor=b'],
      [{ scheme: 'bearer', ['__proto__']: 'a', constructor: 'b' }],
    ],
    ['nothing', [], []],
  ])('may hold %s', (_name, lines, expected) => {
    expect(read(...lines)).toEqual(expected);
  });

  it.each([
    ['a quote that does not end', 'Bearer realm="a'],
    ['a parameter twice', 'Bearer realm="a",realm="b"'],
    ['parameters without a comma between', 'Bearer realm="a" service="b"'],
    ['a value without quotes that needs them', 'Bearer realm=https://x/'],
    ['a character that no scheme has', 'Bea/rer realm=a'],
    ['credentials of the token68 form', 'Basic YWJjOmRlZg=='],
    ['more than 4 KiB', `Bearer realm="${'a'.repeat(5000)}"`],
    ['a control character', 'Bearer\0realm=a'],
  ])('is refused with %s', (_name, line) => {
    expect(read(line)).toBeUndefined();
  });
});
