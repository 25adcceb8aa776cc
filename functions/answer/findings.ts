import type { Finding } from '../policy/finding.ts';
import type { AdmissionRequest } from '../request/review.ts';
import type { AdmissionReviewAnswer } from './response.ts';

/** Warnings that an answer carries at most; an API server cuts what is longer than 4096 characters in all. */
const TOLD = 20;

/** What a policy was told, as it is answered. */
export interface PolicyAnswer {
  readonly allowed: boolean;
  readonly findings: readonly Finding[];
}

const sentence = ({ field, message }: Finding): string => `${field} ${message}`;

function warningsOf(findings: readonly Finding[]): readonly string[] {
  const rest = findings.length - TOLD;
  const told = findings.slice(0, TOLD).map(sentence);
  return rest > 0 ? [...told, `${rest} more warnings are not shown; the log of portieris-validate has them.`] : told;
}

/** Findings that the message of a refusal tells at most; its causes have all. */
const IN_MESSAGE = 10;

function inMessage(refused: readonly Finding[]): string {
  const rest = refused.length - IN_MESSAGE;
  const told = refused.slice(0, IN_MESSAGE).map(sentence);
  return [...told, ...(rest > 0 ? [`There are ${rest} more.`] : [])].join(' ');
}

/**
 * Renders what a policy was told: where it is refused, the sentences in `status.message` and each field in `details.causes` (as the API server
 * itself answers what a schema refuses: 422 Invalid, which kubectl shows field by field); all else as warnings.
 */
export function renderFindings(request: AdmissionRequest, { allowed, findings }: PolicyAnswer): AdmissionReviewAnswer {
  const { uid, apiVersion, kind, name } = request;
  const refused = allowed ? [] : findings.filter(({ severity }) => severity === 'refused');
  const warnings = warningsOf(findings.filter((finding) => !refused.includes(finding)));
  const reasons = [...new Set(findings.map(({ reason }) => reason))].join(',');
  const response = {
    uid,
    allowed,
    ...(warnings.length > 0 && { warnings }),
    auditAnnotations: { decision: allowed ? 'taken' : 'refused', ...(reasons !== '' && { findings: reasons }) },
    ...(!allowed && {
      status: {
        code: 422,
        reason: 'Invalid',
        message: `${kind.kind} ${name} is not valid: ${inMessage(refused)}`,
        details: {
          name,
          group: kind.group,
          kind: kind.kind,
          causes: refused.map(({ reason, message, field }) => ({ reason, message, field })),
        },
      },
    }),
  };
  return { apiVersion, kind: 'AdmissionReview', response };
}
