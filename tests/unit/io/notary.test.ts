import { describe, expect, it } from 'vitest';
import { Authenticator } from '../../../functions/io/auth.ts';
import { HttpClient } from '../../../functions/io/http.ts';
import { NotaryClient, rolePath } from '../../../functions/io/notary.ts';
import { updateTrust } from '../../../functions/trust/notary/update.ts';
import { TestRepository } from '../../support/tuf/repository.ts';
import { serveNotary } from '../../support/tuf/server.ts';

const clock = { now: () => Date.now() };

describe('the path of a file', () => {
  it.each([
    ['docker.io/library/nginx', { role: 'timestamp' }, 'docker.io/library/nginx/_trust/tuf/timestamp.json'],
    ['host:5000/app', { role: 'root', version: 2 }, 'host:5000/app/_trust/tuf/2.root.json'],
    ['h/a', { role: 'targets/releases', sha256: 'ab' }, 'h/a/_trust/tuf/targets/releases.ab.json'],
    ['h/a', { role: 'targets/a b?c#d%2f' }, 'h/a/_trust/tuf/targets/a%20b%3Fc%23d%252f.json'],
    ['h/a', { role: 'targets/\\..\\x' }, 'h/a/_trust/tuf/targets/%5C..%5Cx.json'],
  ])('of %s is that of Notary', (gun, file, path) => {
    expect(rolePath(gun, { maxBytes: 1, ...file })).toBe(path);
    // As it stands in an address: there is nothing in it that the parser of one would change.
    expect(new URL(`/v2/${path}`, 'https://notary.example').pathname).toBe(`/v2/${path}`);
  });

  it.each([
    ['h/a', 'targets/../../../other/_trust/tuf/root'],
    ['h/a', 'targets//a'],
    ['h/a', 'targets/.'],
    ['h/a', ''],
    ['h/../a', 'root'],
    ['/a', 'root'],
  ])('of %s and role %s leads nowhere else', (gun, role) => {
    expect(() => rolePath(gun, { role, maxBytes: 1 })).toThrow(expect.objectContaining({ code: 'TRUST_MALFORMED' }));
  });
});

describe('a repository behind a Notary server that asks for a token', () => {
  it('is verified with the credential of the workload, with one token for all of its files', async () => {
    const repository = new TestRepository({ gun: 'localhost/team/app' });
    repository.addSigner('alice');
    repository.tag('v1', 'a'.repeat(64), 'targets/releases', 'targets/alice').publish();
    const server = await serveNotary({ repositories: [repository], auth: { username: 'alice', password: 'secret' } });
    const http = new HttpClient({ ca: server.ca, env: {} }, clock);
    const files = new NotaryClient(http, new Authenticator(http, clock, []));
    const credential = { username: 'alice', password: 'secret', identityToken: undefined };
    const address = { server: server.origin, gun: repository.gun, registry: 'localhost', credential };
    const ask = (who: typeof credential | undefined) =>
      updateTrust(
        { address: { ...address, credential: who }, roles: ['targets/alice'] },
        files,
        Date.now(),
        AbortSignal.timeout(10_000),
      );
    const facts = await ask(credential);
    expect(facts.delegations.get('targets/alice')).toMatchObject({ version: 1 });
    expect(server.requests.filter((path) => path === '/token')).toHaveLength(1);
    await expect(ask(undefined)).rejects.toMatchObject({ code: 'AUTH_REFUSED' });
    await expect(ask({ ...credential, password: 'wrong' })).rejects.toMatchObject({ code: 'AUTH_REFUSED' });
    await http.close();
    await server.close();
  });
});
