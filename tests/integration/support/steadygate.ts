import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import type { PatchOperation } from '../../../functions/answer/response.ts';
import { type App, openApp } from '../../../functions/app.ts';
import { parseConfig } from '../../../functions/config.ts';
import { openMetrics } from '../../../functions/metrics.ts';
import { bytesOf, podSpec, reviewOf, workloadOf } from '../../support/review.ts';

/** What the gate said of a pod with one image. */
export interface PodAnswer {
  readonly allowed: boolean;
  /** The image as patched; undefined where nothing was. */
  readonly image: string | undefined;
  /** Code of the refusal. */
  readonly code: string | undefined;
  readonly message: string;
  readonly warnings: readonly string[];
}

/** One line of the log. */
export interface LogLine {
  readonly message: string;
  readonly level: string;
  readonly allowed?: boolean;
  readonly refusal?: string;
  readonly images?: readonly { readonly image: string; readonly code?: string; readonly warning?: string }[];
}

/** The service with every part of it real but the time. */
export class SteadyGate {
  /** Milliseconds since the epoch. */
  now = Date.now();
  readonly log: LogLine[] = [];
  readonly #env: Readonly<Record<string, string>>;
  #app: App | undefined;
  #metrics = openMetrics();

  /** `env` as the process has it; see docs/configuration.md. */
  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  get app(): App {
    if (this.#app === undefined) throw new Error('the gate is not open');
    return this.#app;
  }

  /** Opens it, or opens it anew: every cache is empty then, its record of trust is as it was. */
  async open(): Promise<void> {
    await this.#app?.close();
    this.#metrics = openMetrics();
    const write = (text: string) => void this.log.push(JSON.parse(text) as LogLine);
    const formatters = { level: (label: string) => ({ level: label }) };
    const log = pino({ level: 'info', messageKey: 'message', formatters }, { write });
    const clock = { now: () => this.now };
    this.#app = await openApp(parseConfig(this.#env), { log, metrics: this.#metrics, clock });
  }

  /** The answer to the creation of a pod; `timeout` as the API server names it, in ms. */
  async pod(image: string, timeout = 30_000): Promise<PodAnswer> {
    const body = bytesOf(reviewOf(workloadOf('Pod', podSpec([image]))));
    const { answer, tell } = await this.app.admit(body, timeout);
    const { response } = answer;
    tell();
    const patch = Buffer.from(response.patch ?? '', 'base64').toString('utf8') || '[]';
    const replaced = (JSON.parse(patch) as PatchOperation[]).find(({ op }) => op === 'replace');
    return {
      allowed: response.allowed,
      image: replaced?.value,
      code: response.status?.details.causes[0]?.reason,
      message: response.status?.message ?? '',
      warnings: response.warnings ?? [],
    };
  }

  /** How often the cache counted an event. */
  async counted(event: string): Promise<number> {
    const { text } = await this.#metrics.render();
    return Number(new RegExp(`^portieris_trust_cache_total\\{event="${event}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  }

  async close(): Promise<void> {
    await this.#app?.close();
  }
}

/** Writes a directory with one ClusterImagePolicy that demands trust of these patterns; gives its path. */
export async function writeTrusting(folder: string, patterns: readonly string[]): Promise<string> {
  const repositories = patterns.map((name) => ({ name, policy: { trust: { enabled: true } } }));
  const policy = {
    apiVersion: 'portieris.cloud.ibm.com/v1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'default' },
    spec: { repositories },
  };
  // JSON is YAML.
  await writeFile(join(folder, 'default.yaml'), JSON.stringify(policy));
  return folder;
}
