import type { NotaryFiles, RepositoryAddress } from '../../../functions/ports.ts';
import { TrustError } from '../../../functions/trust/notary/error.ts';
import type { TrustFacts } from '../../../functions/trust/notary/facts.ts';
import { parsePublicKey } from '../../../functions/trust/notary/keys.ts';
import type { TrustRequest } from '../../../functions/trust/notary/request.ts';
import type { Signer } from '../../../functions/trust/notary/signers.ts';
import { updateTrust } from '../../../functions/trust/notary/update.ts';
import { filesOf } from './memory.ts';
import type { TestRepository } from './repository.ts';

/** The time of the tests that do not need the present. */
export const NOW = Date.UTC(2026, 10, 24, 12);

/** Address of a test's repository on a server that need not exist. */
export const addressOf = (repository: TestRepository): RepositoryAddress => ({
  server: 'https://notary.example',
  gun: repository.gun,
  registry: repository.gun.split('/')[0] ?? '',
  credential: undefined,
});

/** What a look at a repository may differ in. */
export type Look = Partial<Omit<TrustRequest, 'address'>> & { readonly now?: number; readonly files?: NotaryFiles };

/** Updates trust in a repository, without a server between. */
export function look(repository: TestRepository, options: Look = {}): Promise<TrustFacts> {
  const { now = repository.now, files = filesOf(repository), ...request } = options;
  const address = addressOf(repository);
  return updateTrust({ address, roles: [], ...request }, files, now, new AbortController().signal);
}

/** The refusal of a look: its code and message, or `trusted` where there is none. */
export async function refusalOf(work: Promise<unknown> | (() => unknown)): Promise<{ code: string; message: string }> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof TrustError) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: 'trusted', message: '' };
}

/** A signer whose Secret holds this public key (PEM). */
export function signerOf(name: string, pem: string): Signer {
  const key = parsePublicKey(pem);
  if (!key.ok) throw new Error(key.refusal.message);
  return { name, key: key.value, secret: `default/${name}` };
}
