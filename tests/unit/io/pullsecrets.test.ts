import { describe, expect, it } from 'vitest';
import { Fault } from '../../../functions/codes.ts';
import { PullSecrets } from '../../../functions/io/pullsecrets.ts';
import { silentLog } from '../../../functions/log.ts';
import type { CredentialQuery, SecretObject } from '../../../functions/ports.ts';

const signal = new AbortController().signal;
const secretOf = (name: string, key: string, text: string): SecretObject => ({
  namespace: 'team',
  name,
  type: key === '.dockercfg' ? 'kubernetes.io/dockercfg' : 'kubernetes.io/dockerconfigjson',
  data: new Map([[key, Buffer.from(text)]]),
  annotations: new Map(),
});
const login = (username: string) => ({ username, password: `${username}-secret` });
const pull = (name: string, host: string, username = name): SecretObject =>
  secretOf(name, '.dockerconfigjson', JSON.stringify({ auths: { [host]: login(username) } }));

/** A world of Secrets and one ServiceAccount `team/builder`; what was said of them is kept. */
function world(secrets: readonly SecretObject[], account: readonly string[] = []) {
  const said: string[] = [];
  const asked: string[] = [];
  const say = (fields: unknown, message?: string) => void said.push(JSON.stringify([fields, message]));
  const cluster = {
    secret: async (namespace: string, name: string) => {
      asked.push(`${namespace}/${name}`);
      return secrets.find((secret) => secret.namespace === namespace && secret.name === name);
    },
    pullSecretsOf: async (namespace: string, name: string) =>
      `${namespace}/${name}` === 'team/builder' ? account : [],
  };
  const source = new PullSecrets(cluster, { ...silentLog, debug: say, warn: say } as typeof silentLog);
  const users = async (query: Partial<CredentialQuery> = {}) => {
    const whole = { namespace: 'team', pullSecrets: [], serviceAccount: 'builder', registry: 'registry.test' };
    const found = await source.credentials({ ...whole, repository: 'team/app', ...query }, signal);
    return found.map(({ username }) => username);
  };
  return { said, asked, users };
}

describe('pull secrets', () => {
  it("give the workload's own credentials first and those of its ServiceAccount after", async () => {
    const { users } = world([pull('own', 'registry.test'), pull('inherited', 'registry.test')], ['inherited']);
    expect(await users({ pullSecrets: ['own'] })).toEqual(['own', 'inherited']);
  });

  it('are read once where the workload and its ServiceAccount name the same one', async () => {
    const { users, asked } = world([pull('both', 'registry.test')], ['both', 'both']);
    expect(await users({ pullSecrets: ['both', 'both'] })).toEqual(['both']);
    expect(asked).toEqual(['team/both']);
  });

  it('give nothing for another registry, and nothing of another namespace', async () => {
    const { users, asked } = world([
      pull('other', 'elsewhere.test'),
      { ...pull('far', 'registry.test'), namespace: 'x' },
    ]);
    expect(await users({ pullSecrets: ['other', 'far'] })).toEqual([]);
    expect(asked).toEqual(['team/other', 'team/far']);
  });

  it('are taken in the older form too', async () => {
    const old = secretOf('old', '.dockercfg', JSON.stringify({ 'https://registry.test': login('old') }));
    expect(await world([old]).users({ pullSecrets: ['old'] })).toEqual(['old']);
  });

  it('that are missing or broken are left out and named in the log, never with what they hold', async () => {
    const broken = secretOf('broken', '.dockerconfigjson', '{"auths": {"registry.test": {"auth": "hunter2!!"}}}');
    const { users, said } = world([broken, pull('good', 'registry.test')]);
    expect(await users({ pullSecrets: ['missing', 'broken', 'good'] })).toEqual(['good']);
    expect(said.join('\n')).toContain('missing');
    expect(said.join('\n')).toContain('broken');
    expect(said.join('\n')).not.toContain('hunter2');
  });

  it.each(['__proto__', 'constructor', 'toString'])('may be called %s, and hold a host of that name', async (name) => {
    const config = `{"auths": {"${name}": {"username": "x", "password": "x"}, "registry.test": {"username": "y", "password": "y"}}}`;
    expect(await world([secretOf(name, '.dockerconfigjson', config)]).users({ pullSecrets: [name] })).toEqual(['y']);
  });

  it('that cannot be read are a fault: a cluster that does not answer is no absence of credentials', async () => {
    const fail = async () => {
      throw new Fault('CLUSTER_UNREACHABLE', 'no answer');
    };
    const query = { namespace: 'team', pullSecrets: ['a'], serviceAccount: 'builder', registry: 'r', repository: 'a' };
    const secrets = new PullSecrets({ secret: fail, pullSecretsOf: async () => [] }, silentLog);
    await expect(secrets.credentials(query, signal)).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
    const accounts = new PullSecrets({ secret: async () => undefined, pullSecretsOf: fail }, silentLog);
    await expect(accounts.credentials(query, signal)).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
  });
});
