import { createPublicKey, X509Certificate } from 'node:crypto';

const BEGIN = /^-----BEGIN ([A-Z0-9 ]{1,40})-----$/;

/** The text of each PEM block, by lines, with the label it begins with; text outside of blocks is passed over (RFC 7468 §2). */
function blocksOf(text: string): { readonly label: string; readonly block: string }[] {
  const blocks: { label: string; block: string }[] = [];
  let lines: string[] | undefined;
  let label = '';
  for (const line of text.split('\n').map((one) => one.trim())) {
    const begin = BEGIN.exec(line);
    if (begin !== null) {
      label = begin[1] ?? '';
      lines = [];
    }
    // Headers, such as the `role: name` of `docker trust key generate`, say nothing of the key.
    if (line !== '' && !line.includes(':')) lines?.push(line);
    if (lines !== undefined && line === `-----END ${label}-----`) {
      blocks.push({ label, block: lines.join('\n') });
      lines = undefined;
    }
  }
  return blocks;
}

function isReadable(label: string, block: string): boolean {
  try {
    if (label === 'CERTIFICATE') new X509Certificate(block);
    else createPublicKey({ key: block, format: 'pem' });
    return true;
  } catch {
    return false;
  }
}

/**
 * Why a text of a policy is not PEM of these labels (`PUBLIC KEY`, `CERTIFICATE`), as a sentence that never quotes it; undefined
 * where it is. `single`: exactly one block is wanted. What kinds of keys can vouch is the verifier's to say.
 */
export function pemProblem(text: string, labels: readonly string[], single = false): string | undefined {
  const blocks = blocksOf(text);
  if (blocks.some(({ label }) => label.includes('PRIVATE KEY')))
    return 'holds a private key; take it out, write the public one, and replace the key pair: whoever reads policies has seen it.';
  const wanted = labels.map((label) => `BEGIN ${label}`).join(' or ');
  if (blocks.length === 0 || (single && blocks.length > 1))
    return `must be ${single ? 'one block' : 'one or more blocks'} of PEM (${wanted}); write it as a block of text, each line indented alike.`;
  const bad = blocks.findIndex(({ label, block }) => !labels.includes(label) || !isReadable(label, block));
  return bad < 0
    ? undefined
    : `has a block (the ${bad + 1}. of it) that cannot be read as ${wanted}; write the PEM as the tool gave it.`;
}
