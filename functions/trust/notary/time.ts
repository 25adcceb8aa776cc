// The one form of RFC 3339 that Go writes and reads in JSON; every part has a fixed width but the fraction, so matching is linear.
const INSTANT = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,32})?(?:Z|([+-])(\d{2}):(\d{2}))$/;
const MINUTE = 60_000;

const daysIn = (year: number, month: number): number => new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();

/**
 * Reads an expiry (RFC 3339, any fraction of a second, `Z` or an offset) as ms since the epoch, the fraction cut to whole ms so that
 * `instant < now` holds exactly when the time written is before `now`. Undefined for whatever does not parse: that is never "no expiry".
 */
export function parseInstant(text: string): number | undefined {
  const match = text.length > 80 ? null : INSTANT.exec(text);
  if (match === null) return undefined;
  const part = (index: number): number => Number(match[index] ?? '0');
  const [year, month, day] = [part(1), part(2), part(3)];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (part(4) > 23 || part(5) > 59 || part(6) > 59 || part(8) > 23 || part(9) > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(part(4), part(5), part(6), fraction(text));
  const offset = (part(8) * 60 + part(9)) * MINUTE;
  return date.getTime() + (match[7] === '-' ? offset : -offset);
}

const fraction = (text: string): number => {
  const dot = text.indexOf('.');
  if (dot < 0) return 0;
  const digits = /^\d{1,3}/.exec(text.slice(dot + 1))?.[0] ?? '0';
  return Number(digits.padEnd(3, '0'));
};
