import type { AdmissionReviewAnswer } from '../../functions/answer/response.ts';
import type { Outcome } from './show.ts';

/** Sends a review to the gate at `origin` as an API server would, and reads what came of it. */
export async function sendReview(origin: string, body: string | Buffer): Promise<Outcome> {
  const started = performance.now();
  const answer = await fetch(`${origin}/admit?timeout=10s`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: new Uint8Array(Buffer.from(body)),
  });
  const { response } = (await answer.json()) as AdmissionReviewAnswer;
  const milliseconds = performance.now() - started;
  const operations = JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString() || '[]') as {
    op: string;
    path: string;
    value: string;
  }[];
  const before = new Map(operations.filter(({ op }) => op === 'test').map(({ path, value }) => [path, value]));
  const images = new Map(
    operations
      .filter(({ op }) => op === 'replace')
      .map(({ path, value }) => [path, { before: before.get(path) ?? '', after: value }]),
  );
  return { allowed: response.allowed, message: response.status?.message ?? '', images, milliseconds };
}
