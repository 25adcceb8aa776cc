import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestRepository } from '../support/tuf/repository.ts';
import { type NotaryServer, serveNotary } from '../support/tuf/server.ts';
import type { History } from './history.ts';
import type { Question } from './judge.ts';

/** Host of the signed images. */
const HOST = 'registry.soak';
/** Host of the images that the policy of the moment lets in without proof. */
const FREE = 'free.soak';
const REPOSITORIES = 16;
/** Values of the past that callers still ask for. */
const REMEMBERED = 20;
/** A changed policy counts after the watch has told of it (ms); generous, for the machine is loaded to its limit. */
const POLICY_LAG = 5_000;

const gunOf = (index: number): string => `${HOST}/r${index}`;

const policy = (kind: string, metadata: object, repositories: readonly object[]): string =>
  JSON.stringify({ apiVersion: 'portieris.cloud.ibm.com/v1', kind, metadata, spec: { repositories } });

/** Repositories whose tag is signed anew all the time, and a directory of policies of which one changes all the time. */
export class SoakWorld {
  readonly server: NotaryServer;
  readonly policies: string;
  readonly authorityFile: string;
  readonly #history: History;
  readonly #repositories: readonly TestRepository[];
  readonly #ttl: number;
  #signed = 0;
  #version = 0;

  private constructor(
    at: { folder: string; server: NotaryServer; repositories: readonly TestRepository[]; ttl: number },
    history: History,
  ) {
    this.server = at.server;
    this.policies = join(at.folder, 'policies');
    this.authorityFile = join(at.folder, 'notary.crt');
    this.#repositories = at.repositories;
    this.#ttl = at.ttl;
    this.#history = history;
  }

  /** Serves the repositories over TLS, each signed once, and writes the policies; `ttl` (ms) is that of the gate. */
  static async open(folder: string, ttl: number, history: History): Promise<SoakWorld> {
    const repositories = Array.from({ length: REPOSITORIES }, (_, index) => new TestRepository({ gun: gunOf(index) }));
    const server = await serveNotary({ repositories });
    const world = new SoakWorld({ folder, server, repositories, ttl }, history);
    writeFileSync(world.authorityFile, server.ca ?? '');
    mkdirSync(world.policies);
    const trusted = { name: `${HOST}/*`, policy: { trust: { enabled: true } } };
    writeFileSync(join(world.policies, 'default.yaml'), policy('ClusterImagePolicy', { name: 'default' }, [trusted]));
    for (let index = 0; index < REPOSITORIES; index += 1) world.sign();
    world.changePolicy();
    return world;
  }

  /** Signs the tag of the next repository for a digest that was never there before. */
  sign(): void {
    const repository = this.#repositories[this.#signed % REPOSITORIES];
    if (repository === undefined) return;
    const digest = createHash('sha256').update(`soak ${this.#signed}`).digest('hex');
    this.#signed += 1;
    this.#history.change(repository.gun, `sha256:${digest}`, () => {
      repository.tag('live', digest).publish();
    });
    // What is many versions old is asked for by nobody, and would be all that grows here.
    const stale = [...repository.files.keys()].filter((name) =>
      /^(?!root)\w+\.[0-9a-f]{64}$|^\d+\.(?!root)/.test(name),
    );
    for (const name of stale.slice(0, -60)) repository.files.delete(name);
  }

  /** Changes the policy of the namespace `flip`: from now on it lets in one version, and no other. */
  changePolicy(): void {
    this.#version += 1;
    const version = `v${this.#version}`;
    const next = `${this.policies}.next`;
    writeFileSync(next, policy('ImagePolicy', { name: 'flip', namespace: 'flip' }, [{ name: `${FREE}/${version}` }]));
    this.#history.change('policy', version, () => renameSync(next, join(this.policies, 'flip.yaml')));
  }

  /** The next question, by a source of numbers from 0 to 1. */
  question(chance: () => number): Question {
    const gun = gunOf(Math.floor(chance() * REPOSITORIES));
    const team = { namespace: 'team' };
    const live = { subject: gun, value: undefined, lag: this.#ttl };
    const kind = chance();
    if (kind < 0.5) return { ...team, images: [`${gun}:live`], condition: live };
    if (kind < 0.7) {
      const digest = this.#history.recent(gun, REMEMBERED, chance()) ?? '';
      return { ...team, images: [`${gun}@${digest}`], condition: { ...live, value: digest } };
    }
    if (kind < 0.85) {
      const version = this.#history.recent('policy', REMEMBERED, chance()) ?? '';
      const condition = { subject: 'policy', value: version, lag: POLICY_LAG };
      return { namespace: 'flip', images: [`${FREE}/${version}:1`], condition };
    }
    if (kind < 0.9) return { ...team, images: [`${gun}:never`], condition: undefined };
    if (kind < 0.95) return { ...team, images: [`${gun}:live`, `${gun}:never`], condition: undefined };
    return { ...team, images: ['elsewhere.soak/x:1'], condition: undefined };
  }

  async close(): Promise<void> {
    await this.server.close();
  }
}
