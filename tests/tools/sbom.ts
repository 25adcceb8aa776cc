import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Prints the bill of materials (CycloneDX 1.5, JSON) of the packages that run, out of the lockfile (`npm run sbom`). `npm sbom --omit dev` leaves out
 * a package that a development tool needs as well, so the lockfile is first freed of development.
 */

const ROOT = resolve(import.meta.dirname, '../..');
interface Lockfile {
  packages: Record<string, { dev?: boolean; devDependencies?: unknown }>;
}

const read = <T>(name: string): T => JSON.parse(readFileSync(join(ROOT, name), 'utf8')) as T;

const { devDependencies: _, ...manifest } = read<Record<string, unknown>>('package.json');
const lockfile = read<Lockfile>('package-lock.json');
const running = Object.entries(lockfile.packages).filter(([, { dev }]) => !dev);
lockfile.packages = Object.fromEntries(running.map(([path, { devDependencies: __, ...entry }]) => [path, entry]));
const folder = mkdtempSync(join(tmpdir(), 'portieris-sbom-'));
try {
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lockfile));
  const format = ['--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'];
  process.stdout.write(execFileSync('npm', ['sbom', ...format], { cwd: folder, maxBuffer: 1 << 26 }));
} finally {
  rmSync(folder, { recursive: true });
}
