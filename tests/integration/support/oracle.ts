import type { NotaryUser } from './notary.ts';
import { RELEASES, TAG } from './world.ts';

/** What a verifier says of the tag: the SHA-256 (hex) it stands for, or why there is none. */
export type Opinion = { readonly digest: string } | { readonly refused: string };

const row = (line: string): readonly string[] => line.trim().split(/\s+/);

/**
 * What the real client says: it lists released images first and those of `targets` where they are not shadowed, as docker
 * looks a tag up. No row for the tag is a refusal too.
 */
export async function clientOpinion(user: NotaryUser, gun: string): Promise<Opinion> {
  const run = await user.tryRun('list', gun, '--roles', `${RELEASES},targets`);
  if (run.code !== 0) return { refused: `${run.stdout}${run.stderr}`.trim() };
  for (const line of run.stdout.split('\n')) {
    const [name, digest] = row(line);
    if (name === TAG && digest !== undefined && /^[0-9a-f]{64}$/.test(digest)) return { digest };
  }
  return { refused: `no row for ${TAG}: ${run.stdout.trim()}` };
}
