import type { JsonObject } from '../json.ts';
import type { AdmissionRequest } from './review.ts';
import type { Workload } from './workload.ts';

/** Why nothing of the whole object needs proof now: a sentence, or null. (old object being deleted; pod spec unchanged; DELETE) */
export declare function exemptObject(
  request: AdmissionRequest,
  workload: Workload,
  old: Workload | undefined,
): string | null;
/** Why one image needs no proof now: a sentence, or null. (update: unchanged in a running pod; unchanged and pinned by digest in a template) */
export declare function exemptImage(written: string, workload: Workload, old: Workload | undefined): string | null;
/** Why the stored owner vouches for all images of the workload: a sentence, or null. `owner` is the object as stored, read by its reference. */
export declare function exemptByOwner(
  workload: Workload,
  owner: JsonObject | undefined,
  ownerWorkload: Workload | undefined,
): string | null;
