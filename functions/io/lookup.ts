import type { JsonObject } from '../json.ts';
import type { Cluster, SecretObject } from '../ports.ts';
import { groupOf, type Identity, metadataOf, pullSecretNames, secretOf, textOf } from './objects.ts';

/** Reads of objects that are all at hand; `find` gives the one of an identity. A Secret that can't be decoded counts as none. */
export function clusterOf(find: (identity: Identity) => JsonObject | undefined): Cluster {
  return {
    async secret(namespace, name): Promise<SecretObject | undefined> {
      const object = find({ group: '', kind: 'Secret', namespace, name });
      const secret = object === undefined ? undefined : secretOf(object, { namespace, name });
      return secret === undefined || Array.isArray(secret) ? undefined : (secret as SecretObject);
    },
    pullSecretsOf(namespace, name) {
      const account = find({ group: '', kind: 'ServiceAccount', namespace, name });
      return account === undefined ? [] : pullSecretNames(account);
    },
    async owner(namespace, { apiVersion, kind, name }) {
      const object = find({ group: groupOf(apiVersion), kind, namespace, name });
      // An object without a UID was never stored by a cluster, so nothing can be owned by it.
      return textOf(object && metadataOf(object), 'uid') === undefined ? undefined : object;
    },
  };
}
