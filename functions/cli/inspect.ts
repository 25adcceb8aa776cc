import { stringify } from 'yaml';
import { timed } from '../deadline.ts';
import { type ImageReference, parseReference } from '../image/reference.ts';
import type { NotaryRequirement } from '../policy/policy.ts';
import { selectRule } from '../policy/select.ts';
import { parseTrustServer } from '../policy/server.ts';
import type { Credential } from '../ports.ts';
import { TrustError } from '../trust/notary/error.ts';
import type { TrustFacts } from '../trust/notary/facts.ts';
import { firstAdmitted } from '../trust/proof.ts';
import { type Reason, reasonOf } from './findings.ts';
import { CommandError } from './outside.ts';
import { addressOf, credentialName, type ProofView, type Recording, record } from './proofs.ts';
import type { Session } from './session.ts';
import {
  listedRoles,
  type RoleView,
  rolesOf,
  type TagView,
  tagsOf,
  type UnusableView,
  unusableOf,
} from './trustview.ts';

/** The trust data of a repository, as JSON shows it. */
export interface Inspection extends Pick<ProofView, 'repository' | 'server' | 'serverBy' | 'credential'> {
  readonly roles: readonly RoleView[];
  /** Delegations that are listed, but cannot be used. */
  readonly unusable: readonly UnusableView[];
  readonly tags: readonly TagView[];
  /** An entry of `trust.roots` of a policy, or of TRUST_ROOTS_FILE. */
  readonly pins?: { readonly gun: string; readonly keyIds: readonly string[] };
  /** Why the trust data does not hold. */
  readonly reason?: Reason;
}

/** Which repository is looked at, and as whom. */
export interface InspectOrder {
  /** `[host/]path`; a tag or digest beside it counts for nothing. */
  readonly repository: string;
  readonly trustServer: string | undefined;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly pullSecrets: readonly string[];
  /** Seconds. */
  readonly timeout: number;
}

function referenceOf({ repository }: InspectOrder): ImageReference {
  const parsed = parseReference(repository);
  if (!parsed.ok) throw new CommandError(parsed.refusal.message);
  const { tag, digest } = parsed.value;
  if (tag !== undefined || digest !== undefined)
    throw new CommandError(
      `inspect looks at a whole repository, and ${repository} names one image of it. Leave out what comes after the repository, or ask by \`portieris explain ${repository}\`.`,
    );
  return parsed.value;
}

function serverOption(written: string | undefined): string | undefined {
  const server = parseTrustServer(written ?? '');
  if ('problem' in server) throw new CommandError(`--trust-server ${server.problem}`);
  return server.origin;
}

/** What the rule that decides on the repository says of where its trust data is; the command line goes before it. */
function whereabouts(
  { snapshot }: Session,
  order: InspectOrder,
  reference: ImageReference,
): Pick<NotaryRequirement, 'repository' | 'trustServer'> {
  const rule = selectRule(snapshot, order.namespace, reference);
  const requirement = rule.ok ? rule.value.requirements.find(({ type }) => type === 'notary') : undefined;
  const found = requirement?.type === 'notary' ? requirement : undefined;
  return { repository: found?.repository, trustServer: serverOption(order.trustServer) ?? found?.trustServer };
}

interface Look {
  readonly recording: Recording;
  readonly server: string;
  readonly gun: string;
  readonly registry: string;
  readonly credentials: readonly (Credential | undefined)[];
  readonly signal: AbortSignal;
}

/** Verified facts with every delegation that is listed, level by level. Pins are left out: what is there is shown. */
async function allFacts({ recording, server, gun, registry, credentials, signal }: Look): Promise<TrustFacts> {
  const ask = (roles: readonly string[]) =>
    firstAdmitted(credentials, (credential) =>
      recording.prover.trust.facts(
        { address: { server, gun, registry, credential }, roles, notBefore: undefined, dryRun: true },
        signal,
      ),
    );
  let facts = await ask([]);
  for (let known = 0; ; ) {
    const roles = listedRoles(facts);
    if (roles.length === known) return facts;
    known = roles.length;
    facts = await ask(roles);
  }
}

/** Fetches, verifies and shows the trust data of a repository, as a dry run. Throws `Fault` where there is no answer. */
export async function inspectRepository(session: Session, order: InspectOrder): Promise<Inspection> {
  const reference = referenceOf(order);
  const address = addressOf(session, reference, whereabouts(session, order, reference));
  const { repository: gun, server } = address;
  if (gun === undefined || server === undefined)
    throw new CommandError(
      `No trust server is known for ${reference.registry}; name one with --trust-server, or the host in TRUST_SERVERS.`,
    );
  const recording = record(session);
  const [registry = '', ...path] = gun.split('/');
  return timed(order.timeout * 1000, async (signal) => {
    const { namespace, serviceAccount, pullSecrets } = order;
    const query = { namespace, serviceAccount, pullSecrets, registry, repository: path.join('/') };
    const credentials = [...(await recording.prover.credentials.credentials(query, signal)), undefined];
    try {
      const facts = await allFacts({ recording, server, gun, registry, credentials, signal });
      return {
        ...address,
        credential: credentialName(recording),
        roles: rolesOf(facts),
        unusable: unusableOf(facts),
        tags: tagsOf(facts),
        pins: { gun, keyIds: [...facts.root.keyIds].toSorted() },
      };
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      return { ...address, roles: [], unusable: [], tags: [], reason: reasonOf(error.code, error.message) };
    }
  });
}

/** Root pins as YAML, for `trust:` of a policy or for TRUST_ROOTS_FILE. */
export const pinsYaml = ({ pins }: Inspection): string => (pins === undefined ? '' : stringify({ roots: [pins] }));
