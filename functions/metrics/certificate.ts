import { Gauge, type Registry } from 'prom-client';

/**
 * `portieris_serving_certificate_expiry_timestamp_seconds`: gives what notes the expiry (ms since the epoch; undefined: there is no certificate to be seen).
 * Made only once there is a certificate: a gauge that says 0 would say that it expired in 1970.
 */
export function openCertificateMetric(registry: Registry): (expires: number | undefined) => void {
  let gauge: Gauge | undefined;
  return (expires) => {
    if (expires === undefined) return;
    gauge ??= new Gauge({
      name: 'portieris_serving_certificate_expiry_timestamp_seconds',
      help: 'When the certificate expires that the side-car shows to the API server (READY_TLS_PORT)',
      registers: [registry],
    });
    gauge.set(expires / 1000);
  };
}
