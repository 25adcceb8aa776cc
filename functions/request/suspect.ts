import type { JsonObject } from '../json.ts';
import { isBeingDeleted, isOwner } from './exempt.ts';
import type { AdmissionRequest } from './review.ts';
import type { Workload } from './workload.ts';

/** Claims in a review that would spare a workload its proof if they were believed, and what does not hold about each. None of them proves an attack. */
export const SUSPICIONS = {
  owner_unknown: 'it names a controller that does not exist under that UID',
  owner_unfit:
    'its controller exists and vouches for nothing: its template has other images, or it is a pod, or being deleted',
  deletion_claimed: 'it says of itself that it is being deleted, and is not',
} as const satisfies Record<string, string>;
/** One kind of such a claim. */
export type Suspicion = keyof typeof SUSPICIONS;

/** Whether an object that is to be stored bears a deletionTimestamp that the stored one has not: only the API server gives one, and by a DELETE. */
export const claimsDeletion = ({ operation, object, oldObject }: AdmissionRequest): boolean =>
  (operation === 'CREATE' || operation === 'UPDATE') && isBeingDeleted(object) && !isBeingDeleted(oldObject);

/** What is amiss with a controller that did not vouch for the workload; `owner` is the stored object of that name, undefined where there is none. */
export const ownerSuspicion = (workload: Workload, owner: JsonObject | undefined): Suspicion =>
  owner !== undefined && isOwner(workload, owner) ? 'owner_unfit' : 'owner_unknown';
