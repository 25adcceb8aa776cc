import { hash } from 'node:crypto';
import { remedyOf } from '../answer/decision.ts';
import type { JsonObject } from '../json.ts';
import type { RoleExpiry } from '../metrics/trust.ts';
import type { Notice, NoticeImage } from './notice.ts';
import { shorten } from './text.ts';

/** Types of the CloudEvents that are sent; docs/alerts.md and docs/schemas say what each carries. */
export const TYPES = {
  refused: 'dev.portieris.image.refused.v1',
  tolerated: 'dev.portieris.image.tolerated.v1',
  expiring: 'dev.portieris.trust.expiring.v1',
} as const;

/** A CloudEvent before it is given to the SDK: `source` and the attributes of K_CE_OVERRIDES come there. All attributes are printable ASCII. */
export interface Outgoing {
  readonly id: string;
  readonly type: (typeof TYPES)[keyof typeof TYPES];
  readonly subject: string;
  /** RFC 3339. */
  readonly time: string;
  /** Attributes by which a Trigger may filter. */
  readonly extensions: Readonly<Record<string, string>>;
  readonly data: JsonObject;
}

const DAY = 86_400_000;
/** Bytes of a name in a payload. */
const NAME_BYTES = 512;

const idOf = (...parts: readonly unknown[]): string => hash('sha256', JSON.stringify(parts), 'hex').slice(0, 32);

/** A path of names, each percent-encoded, for attributes travel as HTTP headers. */
const path = (...names: readonly string[]): string =>
  names.map((name) => encodeURIComponent(name.toWellFormed())).join('/');

/** The CloudEvent of one image that was refused, or that a mode let pass. */
export function imageEvent(notice: Notice, image: NoticeImage): Outgoing {
  const { uid, namespace, object, operation, controller, time, total, refused } = notice;
  const { code, mode, policy } = image;
  return {
    id: idOf(uid, image.image, code, mode, policy),
    type: refused ? TYPES.refused : TYPES.tolerated,
    subject: path(namespace || '-', object.kind, object.name ?? '-'),
    time: new Date(time).toISOString(),
    extensions: { ...(namespace !== '' && { namespace: path(namespace) }), code, ...(mode !== undefined && { mode }) },
    data: {
      review: uid,
      operation,
      namespace,
      object: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        ...(object.name !== undefined && { name: object.name }),
      },
      ...(controller !== undefined && {
        claimedController: {
          apiVersion: shorten(controller.apiVersion, NAME_BYTES),
          kind: shorten(controller.kind, NAME_BYTES),
          name: shorten(controller.name, NAME_BYTES),
        },
      }),
      image: image.image,
      fields: [...image.fields],
      code,
      message: image.message,
      remedy: remedyOf(code),
      ...(policy !== undefined && { policy }),
      ...(mode !== undefined && { mode }),
      images: total,
    },
  };
}

/**
 * The CloudEvent of trust data that expires soon. The ID is the same for a repository and a day, so that those of all our pods are one event to whoever
 * heeds source and ID (CloudEvents 1.0.2 §3.1.1).
 */
export function expiryEvent({ server, gun, role, expires }: RoleExpiry, now: number): Outgoing {
  const day = new Date(now).toISOString().slice(0, 10);
  return {
    id: idOf(server, gun, day),
    type: TYPES.expiring,
    subject: path(...gun.split('/')),
    time: new Date(now).toISOString(),
    extensions: {},
    data: {
      server,
      repository: shorten(gun, NAME_BYTES),
      role: shorten(role, NAME_BYTES),
      expires: new Date(expires).toISOString(),
      daysLeft: Math.max(0, Math.floor((expires - now) / DAY)),
    },
  };
}
