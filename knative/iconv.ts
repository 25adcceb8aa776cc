/**
 * In the bundle, in the place of iconv-lite, whose tables are a megabyte: Express' body parsers ask for it, and none of them runs behind our own server,
 * which reads bodies itself and takes UTF-8 alone (functions/lean.ts).
 */
const unused = (): never => {
  throw new Error('no body is decoded by Express here: functions/server.ts reads it');
};

export const encodingExists = unused;
export const getDecoder = unused;
export const decode = unused;

export default { encodingExists, getDecoder, decode };
