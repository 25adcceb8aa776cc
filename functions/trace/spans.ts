import type { Admission } from '../admit.ts';
import { ruleName } from '../answer/decision.ts';
import type { Awaitable } from '../awaitable.ts';
import type { Cluster, NotaryFiles } from '../ports.ts';
import type { ImageQuestion } from '../trust/question.ts';
import type { Verdict } from '../trust/verdict.ts';
import type { Attributes, TraceHeaders, Tracer } from './tracer.ts';

/** Code units of a text in an attribute: names come from outside. */
const LENGTH = 512;
const short = (text: string): string => text.slice(0, LENGTH);

/** What an admission's span says once it is answered. */
function admissionAttributes({ request, decision, outcomes }: Admission): Attributes {
  return {
    'portieris.review.uid': request?.uid,
    'k8s.namespace.name': request?.namespace,
    'portieris.kind': request?.kind.kind,
    'portieris.name': request?.name,
    'portieris.operation': request?.operation,
    'portieris.dry_run': request?.dryRun,
    'portieris.images': outcomes.length,
    'portieris.allowed': decision.allowed,
    'portieris.codes': decision.allowed ? decision.tolerated.map(({ code }) => code) : [...decision.codes],
    'portieris.exemption': decision.allowed ? decision.exemption : undefined,
  };
}

/** One admission in a span: the part of the API server's trace that is ours. */
export const tracedAdmission = (
  tracer: Tracer,
  headers: TraceHeaders | undefined,
  admit: () => Promise<Admission>,
): Promise<Admission> =>
  tracer.span('admission', { kind: 'server', ...(headers !== undefined && { headers }) }, async (span) => {
    const admission = await admit();
    span.set(admissionAttributes(admission));
    // A refusal is an answer like any other; a bug is none.
    if (admission.error !== undefined) span.fail('the gate could not decide');
    return admission;
  });

const verdictAttributes = (verdict: Verdict): Attributes => {
  switch (verdict.outcome) {
    case 'trusted':
      return { 'portieris.outcome': 'trusted', 'portieris.digest': verdict.digest };
    case 'tolerated':
      return { 'portieris.outcome': 'tolerated', 'portieris.codes': verdict.failures.map(({ code }) => code) };
    case 'denied':
      return { 'portieris.outcome': 'denied', 'portieris.codes': [verdict.code] };
    case 'unknown':
      return { 'portieris.outcome': 'unknown', 'portieris.codes': [verdict.fault.code] };
  }
};

/** How one image is verified. */
type Verify = (question: ImageQuestion, signal: AbortSignal) => Awaitable<Verdict>;

/** The proof of one image in a span, with the rule that was chosen for it. */
export const tracedVerify =
  (tracer: Tracer, verify: Verify): Verify =>
  (question, signal) => {
    const { reference, rule, namespace } = question;
    const attributes = {
      'portieris.image': short(reference.written),
      'portieris.policy': short(ruleName(rule)),
      'k8s.namespace.name': namespace,
    };
    return tracer.span('verify image', { attributes }, async (span) => {
      const verdict = await verify(question, signal);
      span.set(verdictAttributes(verdict));
      if (verdict.outcome === 'unknown') span.fail(verdict.fault.code);
      return verdict;
    });
  };

/** Files of trust servers, each fetch in a span, with what it took of tokens and redirects. */
export const tracedFiles = (tracer: Tracer, files: NotaryFiles): NotaryFiles => ({
  fetch: (address, file, signal) => {
    const attributes = {
      'server.address': URL.parse(address.server)?.hostname,
      'portieris.repository': short(address.gun),
      'portieris.role': short(file.role),
      'portieris.role.version': file.version,
    };
    return tracer.span('fetch role', { kind: 'client', attributes }, async (span) => {
      const bytes = await files.fetch(address, file, signal);
      span.set({ 'portieris.found': bytes !== undefined, 'portieris.bytes': bytes?.byteLength });
      return bytes;
    });
  },
});

/** Reads of the cluster, each in a span: names, never contents. */
export function tracedCluster(tracer: Tracer, cluster: Cluster): Cluster {
  const read = <T>(kind: string, namespace: string, name: string, work: () => Promise<T>): Promise<T> => {
    const attributes = {
      'portieris.kind': short(kind),
      'k8s.namespace.name': namespace,
      'portieris.name': short(name),
    };
    return tracer.span('read cluster', { kind: 'client', attributes }, work);
  };
  return {
    secret: (namespace, name, signal) => read('Secret', namespace, name, () => cluster.secret(namespace, name, signal)),
    pullSecretsOf: (namespace, name, signal) =>
      read('ServiceAccount', namespace, name, async () => cluster.pullSecretsOf(namespace, name, signal)),
    owner: (namespace, reference, signal) =>
      read(reference.kind, namespace, reference.name, () => cluster.owner(namespace, reference, signal)),
  };
}
