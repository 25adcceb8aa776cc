/** One environment variable: its default, what it is for, and how it is read (a string result is what is wrong with it). */
export interface Option<T> {
  readonly name: string;
  readonly fallback: string;
  readonly purpose: string;
  readonly parse: (text: string) => T | Invalid;
}

/** What is wrong with a value. */
export class Invalid {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Parses a whole number from `min` to `max`. */
export const integer = (min: number, max: number) => (text: string) => {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : new Invalid(`must be a whole number from ${min} to ${max}`);
};
/** The parts of a list that commas or line ends separate. */
export const items = (text: string): string[] =>
  text
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== '');
/** Reads an empty text as undefined. */
export const optional =
  <T>(parse: (text: string) => T | Invalid) =>
  (text: string) =>
    text === '' ? undefined : parse(text);

/** One option of these parts. */
export const option = <T>(name: string, fallback: string, purpose: string, parse: Option<T>['parse']): Option<T> => ({
  name,
  fallback,
  purpose,
  parse,
});
