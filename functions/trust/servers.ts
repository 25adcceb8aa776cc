const BUILT_IN: ReadonlyMap<string, string> = new Map([
  ['docker.io', 'https://notary.docker.io'],
  ['quay.io', 'https://quay.io:443'],
]);

/** IBM Cloud Container Registry: `icr.io`, `<region>.icr.io`, and the older `registry[.<region>].bluemix.net`; Notary listens on 4443 beside it. */
const isIbmRegistry = (host: string): boolean => {
  if (host === 'icr.io') return true;
  const labels = host.split('.');
  const tail = labels.slice(1).join('.');
  if (labels.length === 3 && tail === 'icr.io') return labels[0] !== '';
  return labels[0]?.startsWith('registry') === true && host.endsWith('.bluemix.net') && labels.length <= 4;
};

/**
 * Origin of the trust server of a registry host (with port where the image name has one), or undefined: no other host is guessed.
 * Hosts are compared whole, so that `evil-docker.io` is not Docker's. `configured` (TRUST_SERVERS) goes first.
 */
export function trustServerOf(registry: string, configured: ReadonlyMap<string, string>): string | undefined {
  return (
    configured.get(registry) ??
    BUILT_IN.get(registry) ??
    (isIbmRegistry(registry) ? `https://${registry}:4443` : undefined)
  );
}
