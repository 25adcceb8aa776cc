import { timeText } from '../trust/notary/chain.ts';

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/** How far a time is away, in its largest unit: `in 12 days`, `2 hours ago`. Times in ms since the epoch. */
export function relativeTime(time: number, now: number): string {
  const distance = Math.abs(time - now);
  const [unit, length] = UNITS.find(([, milliseconds]) => distance >= milliseconds) ?? ['second', 1_000];
  const number = Math.floor(distance / length);
  const text = `${number} ${unit}${number === 1 ? '' : 's'}`;
  return time < now ? `${text} ago` : `in ${text}`;
}

/** `2027-03-01T00:00:00.000Z (in 12 days)`. */
export const expiryText = (expires: string, now: number): string =>
  `${expires} (${relativeTime(Date.parse(expires), now)})`;

/** A time as JSON shows it (RFC 3339). */
export const isoTime = (time: number): string => timeText(time);
