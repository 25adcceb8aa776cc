import { findRunning } from './running.ts';
import { sendReview } from './send.ts';
import { renderScene } from './show.ts';

/** `npm run demo:try IMAGE [NAMESPACE]`: shows the gate of `npm start` a new Pod with this image. Exit code 1 where it is refused. */

const [image, namespace = 'shop'] = process.argv.slice(2);
if (image === undefined) {
  process.stderr.write('Which image? For example: npm run demo:try registry.demo/shop/web:nightly\n');
  process.exit(2);
}
const review = {
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'try',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    name: 'try',
    namespace,
    operation: 'CREATE',
    userInfo: { username: 'you' },
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'try', namespace },
      spec: { containers: [{ name: 'try', image }] },
    },
    oldObject: null,
    dryRun: false,
  },
};
const { gate } = await findRunning();
const outcome = await sendReview(gate, JSON.stringify(review));
process.stdout.write(renderScene({ title: `A Pod in the namespace ${namespace}` }, outcome, []));
process.exitCode = outcome.allowed ? 0 : 1;
