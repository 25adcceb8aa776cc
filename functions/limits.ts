const KIB = 1024;
const MIB = 1024 * KIB;

/** Every bound on what comes from outside, in one record. Bytes, counts and milliseconds as the names say. */
export const LIMITS = {
  /** AdmissionReview body: the API server takes 3 MiB and sends object and oldObject as JSON (platform: allow about 16 MiB). */
  reviewBytes: 16 * MIB,
  /** Nesting of a review; a pod spec needs about 12. */
  reviewDepth: 64,
  /** The uid of a review (a UUID has 36 characters), and any name, group or kind in it (RFC 1123: 253). */
  uidLength: 128,
  nameLength: 253,
  /** Distinct images of one workload. */
  imagesPerReview: 500,
  /** An image name as written: host 255 + path 255 + tag 128 + digest 135 + separators, rounded up. */
  referenceLength: 1024,
  /** A policy pattern. */
  patternLength: 1024,
  /** Rules in one policy object. */
  rulesPerPolicy: 10_000,
  /** Signer Secrets, and requirements of simple signing, in one rule. */
  signersPerRule: 64,
  /** A name of a Kubernetes object (RFC 1123 subdomain). */
  objectNameLength: 253,
  /** A name of a namespace (RFC 1123 label). */
  namespaceLength: 63,
  /** Entries of root pins in one rule, key IDs or public keys in one entry, and one PEM text in a policy. */
  rootsPerRule: 32,
  keysPerRoot: 64,
  pemLength: 16 * KIB,
  /** The annotation by which a Secret allows namespaces to use it. */
  allowedNamespacesLength: 16 * KIB,
  /** A URL in a policy. */
  urlLength: 2048,
  /** Problems that are told of one policy object; the rest is counted. */
  problemsPerPolicy: 100,
  /** Comparisons of patterns that are alike in the look for rules that never decide, and Secrets read for one policy that is looked at. */
  lintComparisons: 50_000,
  lintSecrets: 64,
  /** Bytes of one TUF role by kind; notary itself allows 1 MiB for a timestamp and 100 MiB for the rest. */
  roleBytes: { root: MIB, timestamp: MIB, snapshot: 4 * MIB, targets: 32 * MIB },
  /** Nesting of TUF metadata; real metadata needs 6. */
  roleDepth: 32,
  /** Keys, signatures and delegated roles in one role file. */
  keysPerRole: 1024,
  signaturesPerRole: 256,
  delegationsPerRole: 256,
  /** Levels of delegation below targets. */
  delegationDepth: 8,
  /** Length of a role name. */
  roleNameLength: 256,
  /** Root versions walked in one update (tuf-js uses 256 also). */
  rootRotations: 256,
  /** Targets in one role file. */
  targetsPerRole: 100_000,
  /** Largest RSA modulus (bits) that is verified; bounds the CPU of one signature. */
  rsaBits: { min: 2048, max: 8192 },
  /** Certificates in one PEM. */
  certificatesPerPem: 16,
  /** Redirects followed, only within one origin. */
  redirects: 3,
  /** Connections kept to one origin. */
  connectionsPerOrigin: 16,
  /** Bytes of a token answer. */
  tokenBytes: 64 * KIB,
  /** Bytes and auths of one pull secret. */
  dockerConfigBytes: MIB,
  dockerConfigAuths: 1024,
  /** Credentials tried for one image. */
  credentialsPerImage: 16,
  /** WWW-Authenticate header. */
  challengeLength: 4 * KIB,
  /** Digests that one TrustRecord remembers as admitted; the one seen longest ago goes first. */
  admittedPerRecord: 256,
  /** Bytes of one TrustRecord in a file (etcd takes 1.5 MiB), and of those that a process holds in memory; the one looked at longest ago goes first. */
  recordBytes: 1.5 * MIB,
  recordsBytes: 64 * MIB,
  /** One whole update of trust data, in milliseconds; goes on behind an admission that could not wait for it. */
  fetchMilliseconds: 30_000,
  /** A directory of objects: files, bytes of one file and of all, levels of folders, and YAML aliases in one document. */
  directoryFiles: 10_000,
  manifestBytes: 4 * MIB,
  directoryBytes: 64 * MIB,
  directoryDepth: 16,
  yamlAliases: 100,
  /** Objects in one page of a list of the cluster (client-go's page), in all pages, and bytes of one answer. */
  clusterPage: 500,
  clusterObjects: 200_000,
  clusterAnswerBytes: 64 * MIB,
} as const;
