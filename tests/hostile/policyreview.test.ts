import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../functions/json.ts';
import { snapshotOf } from '../../functions/policy/snapshot.ts';
import { type Validator, validate } from '../../functions/validate.ts';
import { policyOf, trusting } from '../support/policies.ts';
import { policyReview } from '../support/policyreview.ts';
import { bytesOf } from '../support/review.ts';

/** Characters of all that one answer says. */
const ANSWER = 200_000;
const validator: Validator = {
  policies: { current: () => snapshotOf([]) },
  cluster: { secret: async () => undefined },
  knowsServer: () => false,
};
const ask = async (body: Uint8Array) => {
  const { answer, error } = await validate(validator, body, new AbortController().signal);
  expect(error).toBeUndefined();
  expect(JSON.stringify(answer).length).toBeLessThan(ANSWER);
  return answer.response;
};

describe('a hostile review of a policy', () => {
  it('with any value for a spec, a rule, a name or metadata is answered, and never by a bug', async () => {
    const places: readonly ((value: JsonValue) => JsonObject)[] = [
      (spec) => ({ ...policyOf('one', []), spec }),
      (rule) => policyOf('one', [rule, trusting('nginx')]),
      (name) => policyOf('one', [{ name }]),
      (policy) => policyOf('one', [{ name: 'nginx', policy }]),
      (trust) => policyOf('one', [{ name: 'nginx', policy: { trust } }]),
      (metadata) => ({ ...policyOf('one', []), metadata }),
    ];
    const value = fc.jsonValue() as fc.Arbitrary<JsonValue>;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places),
        value,
        fc.constantFrom('CREATE', 'UPDATE', 'DELETE'),
        async (place, one, operation) => {
          const response = await ask(bytesOf(policyReview(place(one), { operation, old: place(one) })));
          expect(typeof response.allowed).toBe('boolean');
        },
      ),
    );
  });

  it('with names from a prototype is answered like any other', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const object = policyOf(name, [{ name, policy: JSON.parse(`{"${name}": {}}`) as JsonValue }]);
      expect(await ask(bytesOf(policyReview(object)))).toMatchObject({ allowed: false });
    }
  });

  it('with ten thousand rules and a message in each is answered with a bounded one', async () => {
    const rules = Array.from({ length: 10_000 }, (_, index) => ({ name: `quay.io/UPPER-${index}-${'x'.repeat(100)}` }));
    const response = await ask(bytesOf(policyReview(policyOf('one', rules))));
    expect(response).toMatchObject({ allowed: false });
    expect(response.status?.message.length).toBeLessThan(20_000);
  });

  it('with control characters in a pattern gets none of them back', async () => {
    const response = await ask(bytesOf(policyReview(policyOf('one', [{ name: 'quay.io/\u001b[31m\n*' }]))));
    expect(response.allowed).toBe(false);
    expect(response.status?.message).not.toMatch(/\p{Cc}/u);
  });
});
