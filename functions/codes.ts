/** What a code means and what to do about it; `docs/errors.md` says the same, and a test holds the two together. */
export interface CodeEntry {
  /** One sentence: what holds when this code is given. */
  readonly meaning: string;
  /** One sentence: what the reader can do about it. */
  readonly remedy: string;
}

const entry = (meaning: string, remedy: string): CodeEntry => ({ meaning, remedy });

/** Every reason for which an image or a review is refused with certainty: proof was looked at and did not hold. */
export const DENY_CODES = {
  REVIEW_INVALID: entry(
    'The request body is not an AdmissionReview that the gate understands.',
    'Check that the caller is a Kubernetes API server and that the webhook configuration names admissionReviewVersions v1 or v1beta1.',
  ),
  REVIEW_TOO_LARGE: entry(
    'The request body is larger than the gate reads.',
    'Make the object smaller; the limit stands in docs/configuration.md.',
  ),
  KIND_UNKNOWN: entry(
    'The gate does not know where this kind keeps its pod spec.',
    'Name the kind in EXTRA_WORKLOADS, or take it out of the rules of the webhook configuration.',
  ),
  WORKLOAD_INVALID: entry(
    'The pod spec of the object does not have the shape Kubernetes gives it.',
    'Correct the field that the message names.',
  ),
  IMAGES_TOO_MANY: entry(
    'The workload names more distinct images than the gate checks in one admission.',
    'Split the workload; the limit stands in docs/configuration.md.',
  ),
  IMAGE_INVALID: entry(
    'The image name is not a valid image reference.',
    'Write the image as [host[:port]/]path[:tag][@sha256:digest].',
  ),
  POLICY_NONE: entry(
    'There is no ImagePolicy in the namespace and no ClusterImagePolicy in the cluster.',
    'Create a policy that covers the image; policies/examples has one for each intent.',
  ),
  POLICY_NO_MATCH: entry(
    'No rule of the policies that apply to the namespace matches the image.',
    'Add the repository to one of these policies, or use an image from a repository that they list.',
  ),
  POLICY_INVALID: entry(
    'The image falls under a policy object or rule that is not valid.',
    'Correct the field of the policy that the message names; kubectl explain shows its schema.',
  ),
  POLICY_REJECTS: entry(
    'The policy refuses every image of this repository.',
    'Use an image from another repository, or change the policy.',
  ),
  POLICY_UNSUPPORTED: entry(
    'The policy asks for a proof that this gate cannot check.',
    'Take the named requirement out of the policy; docs/migration.md says what can stand in its place.',
  ),
  TRUST_RECORD_INVALID: entry(
    'The TrustRecord of the repository holds what cannot be understood.',
    'Correct the field that the message names, or delete the record; docs/trust-records.md says what that means.',
  ),
  SIGNER_SECRET_INVALID: entry(
    'A signer Secret that the policy names is missing or does not hold a signer name and a public key.',
    'Create the Secret in the namespace that the message names with the keys name and publicKey (PEM); for an ImagePolicy of another namespace, allow that by its annotation portieris.cloud.ibm.com/allowed-namespaces.',
  ),
  ROOT_SECRET_INVALID: entry(
    'A Secret of root pins that the policy names is missing, may not be used by it, or holds no pins.',
    'Create the Secret with key IDs under keyIds, public keys (PEM) under publicKey or CA certificates (PEM) under ca.crt, and allow the namespace if it is another.',
  ),
  TRUST_NO_SERVER: entry(
    'No trust server is known for the host of the image.',
    'Set trust.trustServer in the policy, or name the host in TRUST_SERVERS.',
  ),
  TRUST_NO_DATA: entry(
    'The trust server has no trust data for the repository.',
    'Sign the image (docker trust sign, or notary), or check the repository name and the trust server.',
  ),
  TRUST_NOT_SIGNED: entry(
    'The trust data of the repository does not hold the tag or digest.',
    'Sign this tag or digest, or use one that is signed.',
  ),
  TRUST_DIGEST_CONFLICT: entry(
    'The tag is signed for another digest than the image names, or signers disagree on the digest.',
    'Use the digest that is signed for the tag, or sign the tag anew with every required signer.',
  ),
  TRUST_SIGNER_MISSING: entry(
    'A required signer has not signed the image.',
    'Have the named signer sign the image, or correct the signer Secret or the policy.',
  ),
  TRUST_EXPIRED: entry(
    'Part of the trust data has expired.',
    'Sign the repository anew so that the named role is published with a later expiry.',
  ),
  TRUST_SIGNATURE: entry(
    'A role of the trust data is not signed by enough of its keys.',
    'Publish the role again with the keys that its parent lists; if nobody changed keys, treat it as an attack.',
  ),
  TRUST_INCONSISTENT: entry(
    'The bytes of a role do not have the hash, length or version that its parent states.',
    'Retry; if it stays, the server or someone on the path serves altered or mixed data.',
  ),
  TRUST_MALFORMED: entry(
    'A role of the trust data is not well-formed.',
    'Publish the role again with a Notary client; if it stays, the server serves altered data.',
  ),
  TRUST_TOO_LARGE: entry(
    'The trust data is larger than the gate reads.',
    'Remove targets or delegations that are no longer used; the limits stand in docs/configuration.md.',
  ),
  TRUST_ROLLBACK: entry(
    'The trust server shows older trust data than was seen before.',
    'Restore the newest data on the trust server; if it was never rolled back, treat it as an attack.',
  ),
  TRUST_ROOT_CHANGED: entry(
    'The root keys of the repository are not those seen before, and no signed rotation leads from one to the other.',
    'If the repository was made anew on purpose, reset its trust record; otherwise treat it as an attack.',
  ),
  TRUST_ROOT_UNPINNED: entry(
    'The root of the repository is not among the pinned ones, or no pin covers it and it may neither be taken at first sight nor because another policy took it so.',
    'Compare the keys that the message names with those of the owner; then write them under trust.roots of the policy, or in TRUST_ROOTS_FILE for the cluster, or vouch for the TrustRecord (spec.rootFrom).',
  ),
} as const satisfies Record<string, CodeEntry>;

/** Every reason for which there is no answer: denied too, but never cached as a fact. */
export const FAULT_CODES = {
  NOT_READY: entry(
    'The gate has not yet read the policies.',
    'Wait until readiness is true; if it stays false, /health/readiness says what is missing.',
  ),
  DEADLINE: entry(
    'The proof was not complete before the deadline of the admission.',
    'Retry: the trust data goes on being fetched in the background; if it stays, check the trust server and raise timeoutSeconds of the webhook.',
  ),
  TRUST_SERVER_UNREACHABLE: entry(
    'The trust server or its token service could not be reached.',
    'Check its address, DNS, network policies, proxy settings and certificate authority.',
  ),
  TRUST_SERVER_ERROR: entry(
    'The trust server or its token service gave an answer that is no answer.',
    'Look at the health and the logs of the named server, then retry.',
  ),
  TRUST_SERVER_BUSY: entry(
    'The trust server or its token service asked to be called less often.',
    'Retry after the time that the message names.',
  ),
  AUTH_REFUSED: entry(
    'The trust server or its token service refused the credentials that the workload holds.',
    'Give the pod or its ServiceAccount an imagePullSecret that may pull the repository.',
  ),
  AUTH_REALM_REFUSED: entry(
    'The trust server sent the gate to a token service that is not known to belong to it.',
    'Name the token service in TOKEN_REALMS if it is yours; otherwise treat it as an attack.',
  ),
  REDIRECT_REFUSED: entry(
    'The trust server redirected the gate to a place it does not follow.',
    'Use the address of the trust server that answers without a redirect.',
  ),
  CLUSTER_UNREACHABLE: entry(
    'The Kubernetes API server did not answer a read that the admission needs.',
    'Check the API server and the network between it and the gate, then retry.',
  ),
  TRUST_RECORD_UNAVAILABLE: entry(
    'A file that remembers the trust in a repository cannot be read or written.',
    'Give the process the right to read and write the file that the message names, or correct it; docs/trust-records.md says what it holds.',
  ),
  CLUSTER_FORBIDDEN: entry(
    'The gate may not read an object that the admission needs.',
    'Apply the RBAC of knative/ and the resources of policies/crds again.',
  ),
  BUG: entry(
    'The gate met a condition that it does not handle.',
    'Report it with the message and the log line of this review uid.',
  ),
} as const satisfies Record<string, CodeEntry>;

/** Code of a refusal. */
export type DenyCode = keyof typeof DENY_CODES;
/** Code of a fault. */
export type FaultCode = keyof typeof FAULT_CODES;

/** A refusal: a value, never thrown across a module of the core's public surface. `message` is for the person who reads it. */
export interface Refusal {
  readonly code: DenyCode;
  readonly message: string;
}

/** Either a value or the refusal that stands in its place. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

/** Wraps a value as a `Result`. */
export const accept = <T>(value: T): Result<T> => ({ ok: true, value });
/** Makes a refused `Result`. */
export const refuse = (code: DenyCode, message: string): { readonly ok: false; readonly refusal: Refusal } => ({
  ok: false,
  refusal: { code, message },
});

/** A fault: no answer could be had. Thrown by `io/` and `cache/`; `message` never holds a secret. */
export class Fault extends Error {
  readonly code: FaultCode;
  /** Seconds after which a retry makes sense, where the other side said so (RFC 9110 §10.2.3 Retry-After). */
  readonly retryAfter: number | undefined;

  constructor(code: FaultCode, message: string, options: { cause?: unknown; retryAfter?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Fault';
    this.code = code;
    this.retryAfter = options.retryAfter;
  }
}
