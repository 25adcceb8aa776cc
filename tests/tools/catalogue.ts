/** Name of a program that the integration tests run. */
export type ToolName =
  | 'notary'
  | 'notary-server'
  | 'kustomize'
  | 'registry'
  | 'etcd'
  | 'promtool'
  | 'prometheus'
  | 'kube-apiserver';

/** How one program is recognised on a machine and, failing that, built. */
export interface Tool {
  readonly name: ToolName;
  /** Version that is built; part of the file name in the cache. */
  readonly version: string;
  /** Go package of its `main`. */
  readonly package: string;
  /** Folder under `tests/tools/go` whose `go.mod` pins it; undefined: built from the module that holds it, at `version`. */
  readonly module: string | undefined;
  /** More linker flags, beside `-s -w`. */
  readonly linker: readonly string[];
  /** Build tags; undefined: none. */
  readonly tags?: string;
  /** One change to Go's own library that it needs; undefined: none. */
  readonly patch?: GoPatch;
  /** Arguments that make it say what it is. */
  readonly ask: readonly string[];
  /** True when what it says shows that it is this program, in a version that the tests can work with. */
  readonly accepts: (said: string) => boolean;
  /** Why one that is found is not taken, where that is no question of version. */
  readonly passedOver?: string;
}

/** A text of a file below `GOROOT/src`, and what stands in its place while this tool is built (`go build -overlay`). */
export interface GoPatch {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/**
 * notary-server 0.7.0 reads a role's name from the file name of a form part. Since Go 1.17 the library gives the last step of a path alone, so
 * that `targets/releases` arrives as `releases` and no delegation can be published. A server built by an older Go, or by this patch, has none of it.
 */
const WHOLE_FILE_NAMES: GoPatch = {
  file: 'mime/multipart/multipart.go',
  from: 'return filepath.Base(filename)',
  to: 'return filepath.ToSlash(filename)',
};

/** Prometheus 3.16, as the module proxy numbers it. */
const PROMETHEUS = '0.316.0';
/** Without what finds targets in clouds, which is more than half of the time to build. */
const NO_DISCOVERY = 'remove_all_sd';
const KUBERNETES = '1.35.4';
const versionPackage = 'k8s.io/component-base/version';
const prometheusVersion = 'github.com/prometheus/common/version';

/** True when the first `major.minor` that follows `prefix` is `floor` or later. */
const atLeast = (prefix: RegExp, floor: readonly [number, number]) => (said: string) => {
  const match = prefix.exec(said);
  const [major, minor] = [Number(match?.[1]), Number(match?.[2])];
  return major > floor[0] || (major === floor[0] && minor >= floor[1]);
};

/** Every program the integration tests need, quickest to build first. */
export const TOOLS: readonly Tool[] = [
  {
    name: 'notary',
    version: '0.7.0',
    package: 'github.com/theupdateframework/notary/cmd/notary',
    module: undefined,
    linker: [],
    ask: ['version'],
    accepts: (said) => /^notary\s+Version:/.test(said),
  },
  {
    name: 'notary-server',
    version: '0.7.0',
    package: 'github.com/theupdateframework/notary/cmd/notary-server',
    module: undefined,
    linker: [],
    patch: WHOLE_FILE_NAMES,
    ask: ['-version'],
    // What it says does not tell which Go built it; only our own build is known to take delegations.
    accepts: () => false,
    passedOver: 'only our own build of notary-server is known to take delegations',
  },
  {
    name: 'kustomize',
    version: '5.8.1',
    package: 'sigs.k8s.io/kustomize/kustomize/v5',
    module: undefined,
    linker: [],
    ask: ['version'],
    accepts: (said) => /^v5\.|Version:kustomize\/v5\./.test(said),
  },
  {
    name: 'registry',
    version: '3.1.2',
    package: 'github.com/distribution/distribution/v3/cmd/registry',
    module: undefined,
    linker: [],
    ask: ['--version'],
    accepts: (said) => /\/distribution(\/v3)? v?\d/.test(said),
  },
  {
    name: 'etcd',
    version: '3.7.3',
    package: 'go.etcd.io/etcd/server/v3',
    module: 'etcd',
    linker: [],
    ask: ['--version'],
    accepts: atLeast(/etcd Version: (\d+)\.(\d+)/, [3, 4]),
  },
  {
    name: 'promtool',
    version: PROMETHEUS,
    package: 'github.com/prometheus/prometheus/cmd/promtool',
    module: undefined,
    linker: [`-X ${prometheusVersion}.Version=3.16.0`],
    tags: NO_DISCOVERY,
    ask: ['--version'],
    accepts: atLeast(/promtool, version (\d+)\.(\d+)/, [3, 0]),
  },
  {
    name: 'prometheus',
    version: PROMETHEUS,
    package: 'github.com/prometheus/prometheus/cmd/prometheus',
    module: undefined,
    linker: [`-X ${prometheusVersion}.Version=3.16.0`],
    tags: NO_DISCOVERY,
    ask: ['--version'],
    accepts: atLeast(/prometheus, version (\d+)\.(\d+)/, [3, 0]),
  },
  {
    name: 'kube-apiserver',
    version: KUBERNETES,
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    module: 'kubernetes',
    linker: [
      `-X ${versionPackage}.gitVersion=v${KUBERNETES}`,
      `-X ${versionPackage}.gitMajor=1`,
      `-X ${versionPackage}.gitMinor=${KUBERNETES.split('.')[1]}`,
    ],
    ask: ['--version'],
    accepts: atLeast(/Kubernetes v(\d+)\.(\d+)/, [1, 30]),
  },
];
