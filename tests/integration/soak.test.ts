import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultsOf, reportText, soak } from '../soak/soak.ts';
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts';

/** A short run of `npm run soak`: nothing here depends on how fast the machine is. */

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder('soak');
});
afterAll(() => folder.remove());

describe('the gate as it is deployed, while policies change each second and tags are signed anew', () => {
  it('gives no wrong answer, explains every refusal, and reports no error', async () => {
    const report = await soak({ callers: 8, milliseconds: 10_000, folder: folder.path });
    expect(faultsOf(report), reportText(report)).toEqual([]);
  });
});
