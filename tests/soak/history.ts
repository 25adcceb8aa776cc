/** What stood when: values by subject, each with the stretch of time in which it counted. Times in ms since the epoch. */
export class History {
  readonly #stretches = new Map<string, { readonly value: string; readonly from: number; until: number }[]>();

  /** Makes a value count: `change` does it, and at any moment between its beginning and its end either value may be the one. */
  change(subject: string, value: string, change: () => void): void {
    const from = Date.now();
    change();
    const held = this.#stretches.get(subject) ?? [];
    const last = held.at(-1);
    if (last !== undefined) last.until = Date.now();
    held.push({ value, from, until: Number.POSITIVE_INFINITY });
    this.#stretches.set(subject, held);
  }

  /** True where the value counted at some moment from `from` to `to`. */
  stood(subject: string, value: string, from: number, to: number): boolean {
    return this.#of(subject, value).some((stretch) => stretch.from <= to && stretch.until >= from);
  }

  /** True where nothing else counted from `from` to `to`. */
  stoodThroughout(subject: string, value: string, from: number, to: number): boolean {
    return this.#of(subject, value).some((stretch) => stretch.from <= from && stretch.until >= to);
  }

  /** One of the last `count` values, by a number from 0 to 1; undefined where there is none yet. */
  recent(subject: string, count: number, chance: number): string | undefined {
    const held = (this.#stretches.get(subject) ?? []).slice(-count);
    return held[Math.floor(chance * held.length)]?.value;
  }

  #of(subject: string, value: string): readonly { readonly from: number; readonly until: number }[] {
    return (this.#stretches.get(subject) ?? []).filter((stretch) => stretch.value === value);
  }
}
