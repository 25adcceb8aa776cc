/** One parameter: its default, and what it stands for. */
interface Parameter {
  readonly value: number;
  readonly what: string;
}

/** Everything that the simulation is told. Service times are those of docs/scaling.md; measure your own and give them. */
export const PARAMETERS = {
  pods: { value: 50_000, what: 'pods that are made anew: a third of a cluster of 5,000 nodes with 30 pods each' },
  rate: { value: 400, what: 'pods a second that controllers create: four controllers at 100 calls a second each' },
  inflight: { value: 200, what: 'calls that the API server has open at once (--max-mutating-requests-inflight)' },
  replicas: { value: 3, what: 'replicas of the gate that are up, their caches empty' },
  'grow-to': { value: 3, what: 'replicas that Knative grows to' },
  'grow-after': { value: 10, what: 'seconds until those are ready' },
  repositories: { value: 2_000, what: 'distinct repositories among the images; popularity by rank (Zipf)' },
  namespaces: { value: 500, what: 'namespaces; a digest admitted is noted for each' },
  images: { value: 2, what: 'images in a pod' },
  vouched: {
    value: 0,
    what: 'share of pods whose controller vouches for every image (0 where side-cars are injected)',
  },
  secrets: { value: 1, what: 'Secrets read for an image: signers and pull secrets' },
  'gate-us': { value: 130, what: 'CPU of an admission in the gate, microseconds' },
  'image-us': { value: 15, what: 'CPU for each image of it' },
  'look-us': { value: 11_000, what: 'CPU of a first look at a repository' },
  cores: { value: 1, what: 'cores that one replica can use (Node runs on one)' },
  rounds: { value: 2, what: 'requests of a first look that wait for one another; a later one has a single one' },
  requests: { value: 5, what: 'requests of a first look in all' },
  'notary-ms': { value: 0.6, what: 'time of one request in Notary, milliseconds, exponential' },
  'notary-workers': { value: 4, what: 'requests that Notary works on at once: its cores' },
  'notary-rtt-ms': { value: 1, what: 'way to Notary and back' },
  connections: { value: 16, what: 'connections of one replica to Notary' },
  'api-ms': { value: 2, what: 'time of one read or write of the gate in the API server, milliseconds, exponential' },
  'api-seats': { value: 40, what: 'of these at once: the concurrency that API Priority and Fairness leaves us' },
  ttl: { value: 60, what: 'seconds for which trust data serves (TRUST_TTL_SECONDS)' },
  deadline: { value: 9.5, what: 'seconds until an admission is refused; the pod comes again' },
  retry: { value: 5, what: 'seconds after which it comes again' },
  until: { value: 3_600, what: 'seconds after which the simulation ends, whoever still waits' },
  seed: { value: 1, what: 'of the random numbers; the same seed gives the same storm' },
} as const satisfies Readonly<Record<string, Parameter>>;

/** A value for every parameter. */
export type Storm = Readonly<Record<keyof typeof PARAMETERS, number>>;

/** The defaults with some of them changed. */
export function stormOf(changed: Partial<Storm> = {}): Storm {
  const defaults = Object.fromEntries(Object.entries(PARAMETERS).map(([name, { value }]) => [name, value]));
  return { ...(defaults as Storm), ...changed };
}

/** Sentences for what can't be: empty where all is well. */
export function problemsOf(storm: Storm): readonly string[] {
  const positive = [
    'pods',
    'rate',
    'inflight',
    'replicas',
    'repositories',
    'namespaces',
    'images',
    'cores',
    'rounds',
  ] as const;
  const rest = ['notary-workers', 'connections', 'api-seats', 'deadline', 'ttl', 'until'] as const;
  const bad = (Object.keys(PARAMETERS) as (keyof Storm)[]).filter((name) => !(storm[name] >= 0));
  const zero = [...positive, ...rest].filter((name) => storm[name] <= 0);
  return [
    ...bad.map((name) => `--${name} is not a number of 0 or more`),
    ...zero.filter((name) => !bad.includes(name)).map((name) => `--${name} must be above 0`),
    ...(storm.vouched > 1 ? ['--vouched is a share from 0 to 1'] : []),
    ...(storm.requests < storm.rounds ? ['--requests must not be less than --rounds'] : []),
    ...(storm['grow-to'] < storm.replicas ? ['--grow-to must not be less than --replicas'] : []),
  ];
}
