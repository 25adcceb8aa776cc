import type { Plugin } from 'rolldown';

/** Types that Express may have to name for an answer of the framework; mime-db knows 2,500. */
const TYPES = {
  'application/json': { source: 'iana', charset: 'UTF-8', compressible: true, extensions: ['json'] },
  'application/octet-stream': { source: 'iana', compressible: true, extensions: ['bin'] },
  'text/html': { source: 'iana', compressible: true, extensions: ['html'] },
  'text/plain': { source: 'iana', compressible: true, extensions: ['txt'] },
};

/** What stands in the bundle in the place of a module, as CommonJS: so it is to whoever requires it what the module was. */
const STAND_INS: ReadonlyMap<string, string> = new Map([
  // Imported, node:http hands out every export it has, and for the last of them Node loads its own undici: 14 MB and 40 ms (Node 24). Required, it does not.
  ['http', "module.exports = require('node:http');"],
  // 5 MB that undici looks for in case a server speaks HTTP/2; no dispatcher of the gate lets it. These are undici's own words for a Node without it.
  ['http2', 'module.exports = { constants: {} };'],
  // A megabyte of tables for Express' body parsers, of which none runs behind our own server: it reads bodies itself and takes UTF-8 alone (functions/lean.ts).
  [
    'iconv-lite',
    `const unused = () => { throw new Error('no body is decoded by Express here: functions/server.ts reads it'); };
     module.exports = { encodingExists: unused, getDecoder: unused, decode: unused };`,
  ],
  ['mime-db', `module.exports = ${JSON.stringify(TYPES)};`],
]);
const MARK = '\0standin:';

/** Gives whoever imports or requires one of these the stand-in; `require` of node:http stays as it is. */
export const standIns: Plugin = {
  name: 'portieris-stand-ins',
  resolveId(source, _, { kind }) {
    const name = source.replace(/^node:/, '');
    if (!STAND_INS.has(name) || (name === 'http' && kind === 'require-call')) return null;
    return MARK + name;
  },
  load(id) {
    return id.startsWith(MARK) ? { code: STAND_INS.get(id.slice(MARK.length)) ?? '', moduleType: 'js' } : null;
  },
};
