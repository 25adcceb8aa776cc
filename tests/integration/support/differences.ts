/** Cases that the real client accepts and we refuse on purpose, each with the id of its reason in `STRICTER`. */
export const DIFFERENCES: ReadonlyMap<string, string> = new Map<string, string>([]);
