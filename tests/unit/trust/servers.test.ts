import { describe, expect, it } from 'vitest';
import { trustServerOf } from '../../../functions/trust/servers.ts';

const none = new Map<string, string>();

describe('trustServerOf', () => {
  it.each([
    ['docker.io', 'https://notary.docker.io'],
    ['quay.io', 'https://quay.io:443'],
    ['icr.io', 'https://icr.io:4443'],
    ['us.icr.io', 'https://us.icr.io:4443'],
    ['registry.bluemix.net', 'https://registry.bluemix.net:4443'],
    ['registry.eu-gb.bluemix.net', 'https://registry.eu-gb.bluemix.net:4443'],
  ])('knows the server of %s', (host, server) => {
    expect(trustServerOf(host, none)).toBe(server);
  });

  it.each([
    'evildocker.io',
    'evil-docker.io',
    'docker.io.evil.com',
    'docker.io.',
    'evilicr.io',
    'a.b.icr.io',
    '.icr.io',
    'icr.io.evil.com',
    'evil.bluemix.net.evil.com',
    'evil.bluemix.net',
    'registry.bluemix.net.evil.com',
    'docker.io:5000',
    'localhost:5000',
    'constructor',
    '__proto__',
  ])('gives the look-alike %s no built-in server', (host) => {
    expect(trustServerOf(host, none)).toBeUndefined();
  });

  it('asks the configured table first, by the exact host with its port', () => {
    const configured = new Map([
      ['docker.io', 'https://mirror.example.com'],
      ['registry.demo:5000', 'https://localhost:4443'],
    ]);
    expect(trustServerOf('docker.io', configured)).toBe('https://mirror.example.com');
    expect(trustServerOf('registry.demo:5000', configured)).toBe('https://localhost:4443');
    expect(trustServerOf('registry.demo', configured)).toBeUndefined();
  });
});
