import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/**
 * The text of a page with every YAML block that stands below a comment `<!-- policies/examples/x.yaml -->` replaced by that file.
 * So a page shows what a test has tried.
 */
export const withRecipes = (page: string): string =>
  page.replaceAll(/<!-- (policies\/\S+\.yaml) -->\n\n```yaml\n[\s\S]*?```/g, (_, file: string) => {
    const text = readFileSync(join(ROOT, file), 'utf8').trimEnd();
    return `<!-- ${file} -->\n\n\`\`\`yaml\n${text}\n\`\`\``;
  });
