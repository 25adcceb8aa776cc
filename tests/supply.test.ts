import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
interface Locked {
  readonly version: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
}
const read = (file: string): unknown => JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
const { packages } = read('package-lock.json') as { packages: Record<string, Locked> };
const manifest = read('package.json') as {
  dependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
};
const locked = Object.entries(packages).filter(([path]) => path !== '');
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

interface Bom {
  readonly bomFormat: string;
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly hashes?: readonly unknown[];
  }[];
}

describe('the supply of packages', () => {
  it('runs no install script but those that package.json allows', () => {
    const scripted = locked.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => nameOf(path));
    expect(new Set(scripted)).toEqual(new Set(Object.keys(manifest.allowScripts)));
  });

  it('is locked by hash, for every package that runs', () => {
    const unlocked = locked.filter(([, { dev, integrity }]) => !dev && integrity === undefined).map(([path]) => path);
    expect(unlocked).toEqual([]);
  });

  it('names no place to fetch from, so that each builder may use a mirror', () => {
    expect(locked.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });

  it('is written down by npm run sbom: every package that runs, with its version and hash', () => {
    const text = execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 });
    const bom = JSON.parse(text) as Bom;
    expect(bom.bomFormat).toBe('CycloneDX');
    const listed = new Set(bom.components.map(({ name, version }) => `${name}@${version}`));
    for (const [name, version] of Object.entries(manifest.dependencies)) expect(listed).toContain(`${name}@${version}`);
    expect(bom.components.filter(({ hashes }) => hashes === undefined)).toEqual([]);
    expect([...listed].filter((one) => one.startsWith('vitest@'))).toEqual([]);
  });
});
