import { hash } from 'node:crypto';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import manifest from '../../package.json' with { type: 'json' };
import { DENY_CODES, FAULT_CODES } from '../codes.ts';
import type { Findings, ObjectFinding, Reason, Status } from './findings.ts';

/** SARIF 2.1.0 §3.27.10: what is refused fails a build; what a mode lets pass, or could not be told, is worth a look. */
const LEVELS: Readonly<Record<Status, 'error' | 'warning' | 'none'>> = {
  refused: 'error',
  tolerated: 'warning',
  unknown: 'warning',
  admitted: 'none',
};

interface Result {
  readonly status: Status;
  readonly reason: Reason;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `Deployment shop/web, spec.template.spec.containers[0].image`. */
  readonly subject: string;
  readonly text: string;
}

function resultsOf(object: ObjectFinding): Result[] {
  const { file, line, kind, namespace, name, status, reason, images } = object;
  const subject = `${kind} ${namespace}/${name}`;
  const whole = reason === undefined ? [] : [{ status, reason, file, line, column: 1, subject, text: reason.message }];
  const single = images.flatMap((image) => {
    const { reason: why, policy, places } = image;
    if (why === undefined) return [];
    const by = policy === undefined ? '' : ` (policy: ${policy})`;
    return places.map((place) => ({
      status: image.status,
      reason: why,
      file,
      line: place.line,
      column: place.column,
      subject: `${subject}, ${place.field}`,
      text: `Image "${image.image}" ${image.mode === undefined ? 'is' : 'would be'} refused: ${why.message}${by}`,
    }));
  });
  return [...whole, ...single];
}

/** The rules of the codes that were given, each with its meaning, and its remedy as help (§3.49). */
const rulesOf = (codes: readonly Reason['code'][]) =>
  codes.map((code) => {
    const entries = { ...DENY_CODES, ...FAULT_CODES };
    const { meaning, remedy } = entries[code];
    return {
      id: code,
      shortDescription: { text: meaning },
      fullDescription: { text: meaning },
      help: { text: remedy },
      defaultConfiguration: { level: code in FAULT_CODES ? LEVELS.unknown : LEVELS.refused },
    };
  });

/** §3.4.3: relative to the working directory, which a CI takes for the root of the sources; what lies outside of it, as a file URL. */
function uriOf(file: string): string {
  if (file === '-') return 'stdin';
  const path = relative(process.cwd(), resolve(file));
  if (isAbsolute(path) || path === '..' || path.startsWith(`..${sep}`)) return pathToFileURL(resolve(file)).href;
  return path.split(sep).map(encodeURIComponent).join('/');
}

/** The same for the same image at the same field of the same object, on whichever line it stands (§3.27.17). */
const fingerprint = ({ file, subject, reason, text }: Result): string =>
  hash('sha256', JSON.stringify([uriOf(file), subject, reason.code, text]), 'hex');

/** A check as SARIF 2.1.0 (OASIS), the form that code scanning reads: one result for each place that names a refused image. */
export function renderSarif(findings: Findings): string {
  const results = findings.objects.flatMap(resultsOf);
  const codes = [...new Set(results.map(({ reason }) => reason.code))].toSorted();
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'portieris', semanticVersion: manifest.version, rules: rulesOf(codes) } },
        columnKind: 'utf16CodeUnits',
        results: results.map((result) => ({
          ruleId: result.reason.code,
          ruleIndex: codes.indexOf(result.reason.code),
          level: LEVELS[result.status],
          message: { text: `${result.text} ${result.reason.remedy}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: uriOf(result.file) },
                region: { startLine: result.line, startColumn: result.column },
              },
              logicalLocations: [{ fullyQualifiedName: result.subject, kind: 'resource' }],
            },
          ],
          partialFingerprints: { 'portieris/v1': fingerprint(result) },
        })),
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}
