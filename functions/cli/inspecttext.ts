import type { Reason } from './findings.ts';
import { type Inspection, pinsYaml } from './inspect.ts';
import { type Cell, renderTable } from './table.ts';
import { type Paint, plain } from './terminal.ts';
import { relativeTime } from './times.ts';
import { type RoleView, releasedDigest, type TagView } from './trustview.ts';

/** Nearer than this (ms), an expiry is worth a colour. */
const SOON = 7 * 86_400_000;

function whenCell(expires: string, { paint, now }: { readonly paint: Paint; readonly now: number }): Cell {
  const time = Date.parse(expires);
  return { text: relativeTime(time, now), dress: time - now < SOON ? paint.doubtful : (text) => text };
}

/** By expiry; what reads the same stays in the order of the chain. */
function bySoonest(left: RoleView, right: RoleView, now: number): number {
  const [a, b] = [Date.parse(left.expires), Date.parse(right.expires)];
  return relativeTime(a, now) === relativeTime(b, now) ? 0 : a - b;
}

function expiryTable(roles: readonly RoleView[], paint: Paint, now: number): string {
  const soonest = roles.toSorted((left, right) => bySoonest(left, right, now));
  const rows = soonest.map(({ role, version, threshold, signedBy, keyIds, expires }) => [
    plain(role),
    `${version}`,
    `${signedBy.length} of ${keyIds.length} (needs ${threshold})`,
    whenCell(expires, { paint, now }),
    expires,
  ]);
  return renderTable(['ROLE', 'VERSION', 'SIGNED BY', 'EXPIRES', 'AT'], rows, paint.columns);
}

/** Tags × roles: whether a role signs the tag, and for the digest that is released. */
function tagTable(tags: readonly TagView[], paint: Paint): string {
  const roles = [...new Set(tags.flatMap(({ signed }) => Object.keys(signed)))].toSorted();
  const cell = (tag: TagView, role: string): Cell => {
    const digest = tag.signed[role];
    if (digest === undefined) return { text: '-', dress: paint.faint };
    return digest === releasedDigest(tag)
      ? { text: 'signed', dress: paint.good }
      : { text: 'other digest', dress: paint.bad };
  };
  const rows = tags.map((tag) => [
    plain(tag.tag),
    ...roles.map((role) => cell(tag, role)),
    releasedDigest(tag) ?? { text: 'not released', dress: paint.doubtful },
  ]);
  return renderTable(['TAG', ...roles.map(plain), 'RELEASED DIGEST'], rows, paint.columns);
}

function keyTable(roles: readonly RoleView[], paint: Paint): string {
  const rows = roles.flatMap(({ role, keyIds, signedBy }) =>
    keyIds.map((id) => [
      plain(role),
      id,
      signedBy.includes(id) ? { text: 'signed', dress: paint.good } : { text: '-', dress: paint.faint },
    ]),
  );
  return renderTable(['ROLE', 'KEY ID', ''], rows, paint.columns);
}

const reasonText = ({ code, message, remedy }: Reason, paint: Paint): string =>
  `${paint.bad(`[${code}]`)} ${plain(message)}\nWhat to do: ${remedy}\n`;

/** The trust data of a repository for people. `now` in ms since the epoch. */
export function renderInspection(inspection: Inspection, paint: Paint, now: number): string {
  const { repository, server, credential, roles, unusable, tags, reason } = inspection;
  const head = `${paint.strong(plain(repository ?? ''))}\ntrust server: ${server}\n`;
  if (reason !== undefined) return `${head}${reasonText(reason, paint)}`;
  const broken = unusable.map(
    ({ role, code, message }) => `${plain(role)} cannot be used: [${code}] ${plain(message)}\n`,
  );
  return [
    `${head}credential: ${plain(credential ?? '')}\n`,
    `${paint.strong('What expires, soonest first')}\n${expiryTable(roles, paint, now)}${broken.join('')}`,
    `${paint.strong('Who signed what')}\n${tags.length === 0 ? 'No tag is signed.\n' : tagTable(tags, paint)}`,
    `${paint.strong('Keys')}\n${keyTable(roles, paint)}`,
    `${paint.strong('Root pins, for trust: of a policy or for TRUST_ROOTS_FILE')} (compare the IDs with the owner first)\n${pinsYaml(inspection)}`,
  ].join('\n');
}
