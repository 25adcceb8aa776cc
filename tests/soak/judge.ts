import type { AdmissionReviewAnswer, PatchOperation } from '../../functions/answer/response.ts';
import { DENY_CODES, FAULT_CODES } from '../../functions/codes.ts';
import type { History } from './history.ts';

/** What is asked of the gate, and what decides whether its answer is right. */
export interface Question {
  readonly images: readonly string[];
  readonly namespace: string;
  /** What has to stand for the pod to be admitted; undefined: it never may be. */
  readonly condition:
    | {
        readonly subject: string;
        /** The value that has to stand; undefined: whichever the answer names as digest. */
        readonly value: string | undefined;
        /** For how long (ms) before the request what stood may still count. */
        readonly lag: number;
      }
    | undefined;
}

/** What became of one question. */
export type Outcome =
  | 'admitted'
  | 'refused'
  /** Admitted by older trust data, and the answer says so. */
  | 'stale'
  /** Refused because no answer could be had. */
  | 'fault'
  /** Refused without a code that the catalogue knows. */
  | 'unexplained'
  | 'wrong';

/** An outcome, with a sentence for what is wrong. */
export interface Judgement {
  readonly outcome: Outcome;
  readonly why?: string;
}

const DIGEST = /@(sha256:[0-9a-f]{64})$/;

/** The digest that the answer writes behind the image, or that the image has already. */
function digestIn({ response }: AdmissionReviewAnswer, image: string): string | undefined {
  const operations = JSON.parse(
    Buffer.from(response.patch ?? '', 'base64').toString('utf8') || '[]',
  ) as readonly PatchOperation[];
  return DIGEST.exec(operations.find(({ op }) => op === 'replace')?.value ?? image)?.[1];
}

const codeIn = (message: string): string | undefined => /\[([A-Z_]+)\]/.exec(message)?.[1];

/** When a question was asked and when it was answered (ms since the epoch). */
export interface Span {
  readonly began: number;
  readonly ended: number;
}

/** Whether an answer to a question, given between two moments (ms since the epoch), is right. Never throws. */
export function judge(question: Question, answer: AdmissionReviewAnswer, history: History, span: Span): Judgement {
  const { response } = answer;
  return response.allowed
    ? judgeAdmission(question, answer, history, span)
    : judgeRefusal(question, response.status?.message ?? '', history, span);
}

function judgeAdmission(
  { images, condition }: Question,
  answer: AdmissionReviewAnswer,
  history: History,
  { began, ended }: Span,
): Judgement {
  const names = images.join(', ');
  if (condition === undefined) return { outcome: 'wrong', why: `${names} was admitted and never may be` };
  const value = condition.value ?? digestIn(answer, images[0] ?? '') ?? 'no digest';
  const [warning] = answer.response.warnings ?? [];
  const from = warning !== undefined ? Number.NEGATIVE_INFINITY : began - condition.lag;
  if (!history.stood(condition.subject, value, from, ended))
    return { outcome: 'wrong', why: `${names} was admitted by ${value}, which did not stand then` };
  return warning === undefined ? { outcome: 'admitted' } : { outcome: 'stale', why: warning };
}

function judgeRefusal(
  { images, condition }: Question,
  message: string,
  history: History,
  { began, ended }: Span,
): Judgement {
  const code = codeIn(message);
  if (code !== undefined && Object.hasOwn(FAULT_CODES, code)) return { outcome: 'fault', why: message };
  if (code === undefined || !Object.hasOwn(DENY_CODES, code)) return { outcome: 'unexplained', why: message };
  if (condition === undefined) return { outcome: 'refused' };
  const { subject, value, lag } = condition;
  // Of a tag some digest always stands; of a digest or a policy it has to be this one, all the time.
  const ought = value === undefined || history.stoodThroughout(subject, value, began - lag, ended);
  return ought ? { outcome: 'wrong', why: `${images.join(', ')} was refused: ${message}` } : { outcome: 'refused' };
}
