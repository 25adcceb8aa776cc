import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type CodeEntry, DENY_CODES, FAULT_CODES } from '../../functions/codes.ts';
import { OPTIONS } from '../../functions/config.ts';
import { fieldsPage } from './fields.ts';
import { withRecipes } from './recipes.ts';

/** Writes the pages of docs/ that only repeat what the code declares: the error catalogue, the list of options, the fields of the resources, and the recipes of the cookbook (`npm run pages`). */

const DOCS = resolve(import.meta.dirname, '../../docs');

const section = ([code, { meaning, remedy }]: [string, CodeEntry]): string =>
  `### ${code}\n\n${meaning}\n\n**What to do:** ${remedy}\n`;

/** The text of docs/errors.md. */
export const errorsPage = (): string => `# Why an image or a review was refused

Every refusal carries one of these codes in square brackets. This page is written from \`functions/codes.ts\` by \`npm run pages\`.

## Refusals

Proof was looked at and did not hold. The answer to the API server has status code 403.

${Object.entries(DENY_CODES).map(section).join('\n')}
## Faults

There was no answer, so nothing could be proven. Nothing of it is remembered as a fact. When all images of a workload fail for such a
reason, the answer has status code 503, and a retry makes sense.

${Object.entries(FAULT_CODES).map(section).join('\n')}`;

/** The text of docs/configuration.md. */
export const configurationPage = (): string => `# Configuration

The function is configured by environment variables. All mistakes are reported together at start, and the process ends with exit code 2.
This page is written from \`functions/config.ts\` by \`npm run pages\`.

| Variable | Default | What it is for |
| --- | --- | --- |
${Object.values(OPTIONS)
  .map(({ name, fallback, purpose }) => `| \`${name}\` | ${fallback === '' ? '—' : `\`${fallback}\``} | ${purpose} |`)
  .join('\n')}

Beside these, the variables that such programs share are honoured: \`KUBECONFIG\` (outside a cluster) for \`SNAPSHOT=cluster\`, and
\`HTTPS_PROXY\` and \`NO_PROXY\` (in capitals or small letters) for trust servers and token services. The proxy is asked for a tunnel, so it sees host names and no content.
\`NO_PROXY\` is a list of hosts, separated by commas: \`notary.example\` and \`.example\` are that host and those below it, \`host:port\` is one port, \`*\` is all; ranges of addresses (CIDR) are not read. The API server is asked by the \`proxy-url\` of the kubeconfig alone.

## Bounds

What comes from outside is bounded. The bounds are not options; they stand, with the reason of each number, in \`functions/limits.ts\`.
`;

if (import.meta.main) {
  writeFileSync(join(DOCS, 'errors.md'), errorsPage());
  writeFileSync(join(DOCS, 'configuration.md'), configurationPage());
  writeFileSync(join(DOCS, 'fields.md'), fieldsPage());
  writeFileSync(join(DOCS, 'cookbook.md'), withRecipes(readFileSync(join(DOCS, 'cookbook.md'), 'utf8')));
}
