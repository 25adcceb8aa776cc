import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

/** Writes docs/fields.md from the CRDs. */

const CRDS = resolve(import.meta.dirname, '../../policies/crds');

interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly required?: readonly string[];
}
interface Crd {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}
interface Field {
  readonly path: string;
  readonly type: string;
  readonly text: string;
}

const cell = (text: string): string =>
  text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll(/\s+/g, ' ').trim();

const typeOf = (schema: Schema): string => {
  const { items, type = 'any' } = schema;
  if (type === 'array' && items !== undefined) return `list of ${typeOf(items)}`;
  return type;
};

function fieldsOf(schema: Schema, path: string, required: boolean): Field[] {
  const values = schema.enum?.filter((value) => value !== '').map((value) => `\`${value}\``) ?? [];
  const notes = [
    schema.description ?? '',
    required ? 'Required.' : '',
    values.length > 0 ? `One of ${values.join(', ')}.` : '',
    schema.default === undefined ? '' : `Default \`${JSON.stringify(schema.default)}\`.`,
  ];
  const own = { path, type: typeOf(schema), text: cell(notes.filter((note) => note !== '').join(' ')) };
  const inner = schema.items ?? schema;
  const below = schema.items === undefined ? path : `${path}[]`;
  const children = Object.entries(inner.properties ?? {}).flatMap(([name, child]) =>
    fieldsOf(child, `${below}.${name}`, inner.required?.includes(name) ?? false),
  );
  return [own, ...children];
}

const crds = (): Crd[] =>
  readdirSync(CRDS)
    .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
    .map((name) => parse(readFileSync(join(CRDS, name), 'utf8')) as Crd);

/** Fields of what an object holds beside its metadata. */
const contentOf = ({ spec }: Crd): Field[] =>
  Object.entries(spec.versions[0]?.schema.openAPIV3Schema.properties ?? {})
    .filter(([name]) => !['apiVersion', 'kind', 'metadata'].includes(name))
    .flatMap(([name, schema]) => fieldsOf(schema, name, false));

const TABLE = '| Field | Type | What it means |\n| --- | --- | --- |\n';

const rowsOf = (crd: Crd): string[] =>
  contentOf(crd).map(({ path, type, text }) => `| \`${path}\` | ${type} | ${text} |`);

/** The fields of a resource: all of them, or how they differ from those of the one before it in the same group. */
function fieldsText(crd: Crd, before: Crd | undefined): string {
  const rows = rowsOf(crd);
  if (before === undefined || before.spec.group !== crd.spec.group) return `${TABLE}${rows.join('\n')}`;
  const known = rowsOf(before);
  const paths = new Set(contentOf(crd).map(({ path }) => path));
  const missing = contentOf(before).filter(({ path }) => !paths.has(path));
  const but = missing.length === 0 ? '' : ` without ${missing.map(({ path }) => `\`${path}\``).join(', ')}`;
  const other = rows.filter((row) => !known.includes(row));
  const sentence = `The fields of ${before.spec.names.kind} above${but}`;
  return other.length === 0 ? `${sentence}.` : `${sentence}. These differ:\n\n${TABLE}${other.join('\n')}`;
}

function section(crd: Crd, at: number, all: readonly Crd[]): string {
  const { group, names, versions } = crd.spec;
  const description = versions[0]?.schema.openAPIV3Schema.description ?? '';
  return `## ${names.kind} of ${group}/${versions[0]?.name}\n\n${description}\n\n${fieldsText(crd, all[at - 1])}\n`;
}

/** Today's group first, then what the gate remembers, then the group of 2019; cluster before namespace. */
const rankOf = ({ spec: { group } }: Crd): number =>
  group === 'portieris.cloud.ibm.com' ? 0 : group.startsWith('trust.') ? 1 : 2;

/** The text of docs/fields.md. */
export const fieldsPage = (): string => `# Fields of the resources

Every field of every resource, from the CRDs in \`policies/crds\` (\`npm run pages\` writes this page). What they are for, in words: [policies.md](policies.md), [trust-records.md](trust-records.md).

${crds()
  .toSorted((one, other) => rankOf(one) - rankOf(other))
  .map(section)
  .join('\n')}`;
