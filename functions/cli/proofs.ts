import type { DenyCode, FaultCode } from '../codes.ts';
import { Fault } from '../codes.ts';
import { type ImageReference, repositoryName } from '../image/reference.ts';
import { credentialIdentity } from '../io/credential.ts';
import { parsePullSecret } from '../io/dockerconfig.ts';
import { PullSecrets } from '../io/pullsecrets.ts';
import { silentLog } from '../log.ts';
import type { NotaryRequirement, SecretName } from '../policy/policy.ts';
import type { RootOrigin, SecretObject, TrustQuery } from '../ports.ts';
import { signedName } from '../trust/mirror.ts';
import { TrustError } from '../trust/notary/error.ts';
import type { TrustFacts } from '../trust/notary/facts.ts';
import { judge } from '../trust/notary/signers.ts';
import { verifyNotary } from '../trust/proof.ts';
import type { ImageQuestion, Prover } from '../trust/question.ts';
import { findSecret, readSigner } from '../trust/secret.ts';
import { trustServerOf } from '../trust/servers.ts';
import { type Reason, reasonOf } from './findings.ts';
import type { Session } from './session.ts';
import { isoTime } from './times.ts';
import { type RoleView, releasedDigest, rolesOf, tagsOf, type UnusableView, unusableOf } from './trustview.ts';

/** A signer that a policy demands, and whether he vouches for the image. */
export interface SignerView {
  /** Undefined where his Secret can't be read. */
  readonly name?: string;
  /** `namespace/name`. */
  readonly secret: string;
  readonly signed: boolean;
  /** Why he does not. */
  readonly reason?: Reason;
}

/** What the memory of the gate holds of a repository. */
export interface RememberedView {
  readonly rootKeyIds: readonly string[];
  /** How the root came to be remembered. */
  readonly rootFrom: RootOrigin;
  readonly lastSeen?: string;
  readonly frozen: boolean;
}

/** One demand of Notary v1, step by step, as JSON shows it. */
export interface ProofView {
  /** GUN under which the trust data is looked up. */
  readonly repository?: string;
  readonly server?: string;
  /** What names the server. */
  readonly serverBy?: 'policy' | 'TRUST_SERVERS' | 'built-in table';
  /** `anonymous`, or the pull secret that was accepted: `Secret namespace/name`. */
  readonly credential?: string;
  readonly root?: {
    /** `pins` of policy or cluster; `remembered`; `first use`. */
    readonly by: 'pins' | 'remembered' | 'first use';
    readonly pinnedKeyIds: readonly string[];
    /** Whether a root that nobody pins or remembers may be taken. */
    readonly firstUse: boolean;
    readonly remembered?: RememberedView;
  };
  readonly roles: readonly RoleView[];
  readonly unusable: readonly UnusableView[];
  readonly signers: readonly SignerView[];
  /** How many of the signers must have signed. */
  readonly signerThreshold: number;
  readonly digest?: string;
  /** Tags that are released for the digest. */
  readonly tags: readonly string[];
  /** Why the proof fails. */
  readonly reason?: Reason;
}

/** What was asked and read while the gate proved one image. */
export interface Recording {
  readonly prover: Prover;
  last: { readonly query: TrustQuery; readonly facts: TrustFacts | undefined } | undefined;
  readonly secrets: SecretObject[];
}

/** The prover of the session, with everything that it asks written down. */
export function record({ prover, source }: Session): Recording {
  const secrets: SecretObject[] = [];
  const cluster = {
    secret: async (...asked: Parameters<typeof source.secret>) => {
      const secret = await source.secret(...asked);
      if (secret !== undefined) secrets.push(secret);
      return secret;
    },
    pullSecretsOf: (...asked: Parameters<typeof source.pullSecretsOf>) => source.pullSecretsOf(...asked),
  };
  const recording: Recording = {
    secrets,
    last: undefined,
    prover: {
      ...prover,
      credentials: new PullSecrets(cluster, silentLog),
      trust: {
        async facts(query, signal) {
          recording.last = { query, facts: undefined };
          const facts = await prover.trust.facts(query, signal);
          recording.last = { query, facts };
          return facts;
        },
      },
    },
  };
  return recording;
}

/** The Secret that holds the credential of a query; never what is in it. */
export function credentialName({ last, secrets }: Recording): string {
  const credential = last?.query.address.credential;
  if (credential === undefined) return 'anonymous';
  const identity = credentialIdentity(credential);
  const secret = secrets.find((one) =>
    parsePullSecret(one).entries.some((entry) => credentialIdentity(entry.credential) === identity),
  );
  return secret === undefined ? 'a pull secret' : `Secret ${secret.namespace}/${secret.name}`;
}

/** What an error says, where it is one of the gate's own. */
async function reasoned<T>(work: () => Promise<T>): Promise<{ readonly value: T } | { readonly reason: Reason }> {
  try {
    return { value: await work() };
  } catch (error) {
    if (!(error instanceof TrustError) && !(error instanceof Fault)) throw error;
    const code: DenyCode | FaultCode = error.code;
    return { reason: reasonOf(code, error.message) };
  }
}

async function signerView(
  session: Session,
  facts: TrustFacts | undefined,
  { named, question }: { readonly named: SecretName; readonly question: ImageQuestion },
  signal: AbortSignal,
): Promise<SignerView> {
  const secret = `${named.namespace ?? question.namespace}/${named.name}`;
  const read = await reasoned(async () =>
    readSigner(await findSecret(session.source, named, question.namespace, signal)),
  );
  if ('reason' in read) return { secret, signed: false, reason: read.reason };
  const { name } = read.value;
  if (facts === undefined) return { name, secret, signed: false };
  const judged = judge(facts, question.reference, [read.value]);
  if (judged.ok) return { name, secret, signed: true };
  return { name, secret, signed: false, reason: reasonOf(judged.refusal.code, judged.refusal.message) };
}

/** Where the trust data of an image is looked up, by the requirement and the tables of servers. */
export function addressOf(
  { prover }: Session,
  reference: ImageReference,
  { repository, trustServer }: Pick<NotaryRequirement, 'repository' | 'trustServer'>,
): Pick<ProofView, 'repository' | 'server' | 'serverBy'> {
  const name = signedName(reference, repository);
  if (!name.ok) return {};
  const { registry } = name.value;
  const gun = repositoryName(name.value);
  const server = trustServer ?? trustServerOf(registry, prover.trustServers);
  if (server === undefined) return { repository: gun };
  const table = prover.trustServers.has(registry) ? 'TRUST_SERVERS' : 'built-in table';
  return { repository: gun, server, serverBy: trustServer === undefined ? table : 'policy' };
}

async function rootView(session: Session, query: TrustQuery, signal: AbortSignal): Promise<ProofView['root']> {
  const { server, gun } = query.address;
  const read = await reasoned(() => session.memory.read(server, gun, signal));
  const record = 'value' in read ? read.value : undefined;
  const remembered = record && {
    rootKeyIds: record.rootKeyIds,
    rootFrom: record.rootFrom ?? ('firstUse' as const),
    ...(record.lastSeen !== undefined && { lastSeen: isoTime(record.lastSeen) }),
    frozen: record.frozen === true,
  };
  const unpinned = remembered === undefined ? 'first use' : 'remembered';
  return {
    by: query.pins === undefined ? unpinned : 'pins',
    pinnedKeyIds: [...(query.pins?.keyIds ?? [])].toSorted(),
    firstUse: query.firstUse !== false,
    ...(remembered !== undefined && { remembered }),
  };
}

/** Proves one demand of Notary v1 as an admission would, as a dry run, and tells each step. */
export async function proofOf(
  session: Session,
  question: ImageQuestion,
  requirement: NotaryRequirement,
  signal: AbortSignal,
): Promise<ProofView> {
  const recording = record(session);
  const proven = await reasoned(async () => verifyNotary(recording.prover, { ...question, requirement }, signal));
  const verdict = 'value' in proven ? proven.value : undefined;
  const { last } = recording;
  const facts = last?.facts;
  const root = last === undefined ? undefined : await rootView(session, last.query, signal);
  const signers = await Promise.all(
    requirement.signerSecrets.map((named) => signerView(session, facts, { named, question }, signal)),
  );
  const digest = verdict?.outcome === 'trusted' ? verdict.digest : undefined;
  const denied = verdict?.outcome === 'denied' ? reasonOf(verdict.code, verdict.message) : undefined;
  const reason = 'reason' in proven ? proven.reason : denied;
  return {
    ...addressOf(session, question.reference, requirement),
    ...(last !== undefined && { credential: credentialName(recording) }),
    ...(root !== undefined && { root }),
    ...seenIn(facts, digest),
    signers,
    signerThreshold: requirement.signerThreshold ?? signers.length,
    ...(digest !== undefined && { digest }),
    ...(reason !== undefined && { reason }),
  };
}

function seenIn(
  facts: TrustFacts | undefined,
  digest: string | undefined,
): Pick<ProofView, 'roles' | 'unusable' | 'tags'> {
  if (facts === undefined) return { roles: [], unusable: [], tags: [] };
  const tags = digest === undefined ? [] : tagsOf(facts).filter((tag) => releasedDigest(tag) === digest);
  return { roles: rolesOf(facts), unusable: unusableOf(facts), tags: tags.map(({ tag }) => tag) };
}
