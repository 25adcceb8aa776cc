/** As `Promise.all`; one alone, as nearly all are, is awaited without its machinery, which leaves half a kilobyte behind. */
export async function together<T>(works: readonly Promise<T>[]): Promise<readonly T[]> {
  const [only, ...more] = works;
  if (only === undefined) return [];
  return more.length === 0 ? [await only] : Promise.all(works);
}
