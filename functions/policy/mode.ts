/** What becomes of an image whose proof fails: it is refused, admitted with a warning to whoever sent it, or admitted and only recorded. From strict to lax. */
export const MODES = ['enforce', 'warn', 'audit'] as const;
/** One of `MODES`. */
export type Mode = (typeof MODES)[number];
