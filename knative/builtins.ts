import type { Plugin } from 'rolldown';

/** What of Node's own modules is had otherwise in the bundle, as CommonJS that says it. */
const BUILTINS: ReadonlyMap<string, string> = new Map([
  // Imported, node:http hands out every export it has, and for the last of them Node loads its own undici: 14 MB and 40 ms (Node 24). Required, it does not.
  ['http', "module.exports = require('node:http');"],
  // 5 MB that undici looks for in case a server speaks HTTP/2; no dispatcher of the gate lets it. These are undici's own words for a Node without it.
  ['http2', 'module.exports = { constants: {} };'],
]);
const MARK = '\0builtin:';

/** Gives `import` of node:http, and whatever asks for node:http2, a module of the bundle; `require` of node:http stays as it is. */
export const builtins: Plugin = {
  name: 'portieris-builtins',
  resolveId(source, _, { kind }) {
    const name = source.replace(/^node:/, '');
    if (!BUILTINS.has(name) || (name === 'http' && kind === 'require-call')) return null;
    return MARK + name;
  },
  load(id) {
    return id.startsWith(MARK) ? { code: BUILTINS.get(id.slice(MARK.length)) ?? '', moduleType: 'js' } : null;
  },
};
