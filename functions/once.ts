/** `read`, which reads each of the latest `most` values once; what it gives is shared, and so is not to be changed. */
export function readOnce<V, T>(read: (value: V) => T, most: number): (value: V) => T {
  const kept = new Map<V, T>();
  return (value) => {
    const known = kept.get(value);
    if (known !== undefined) return known;
    const found = read(value);
    kept.set(value, found);
    if (kept.size > most) kept.delete(kept.keys().next().value as V);
    return found;
  };
}
