import type { Argv } from 'yargs';
import { openSavedTrust, TrustSaver } from '../io/savedtrust.ts';
import type { Clock } from '../ports.ts';
import { CommandError } from './outside.ts';
import type { SessionOptions } from './session.ts';

/** Options that put a question at another time, on saved trust data. */
export interface CaseArgs {
  readonly trust: string | undefined;
  readonly at: string | undefined;
}

/** RFC 3339 §5.6, `date-time`: a time without an offset would be another one on another machine. */
const TIME = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** A time as a person writes it (RFC 3339), in ms since the epoch; undefined where it is none. */
export function parseTime(text: string): number | undefined {
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** A clock that stands still at a time. Throws `CommandError` where it is none. */
export function clockAt(text: string): Clock {
  const time = parseTime(text);
  if (time === undefined) throw new CommandError(`--at ${text}: is no time; write it like 2026-03-01T12:00:00Z`);
  return { now: () => time };
}

/** Options of commands that can be asked on saved trust data at another time. */
export const caseOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('trust', {
      type: 'string',
      requiresArg: true,
      describe: 'Folder of saved trust data, in place of trust servers',
    })
    .option('at', {
      type: 'string',
      requiresArg: true,
      describe: 'Time to ask at: 2026-03-01T12:00:00Z [default: now]',
    });

/** What a session takes from these options. Throws `CommandError`. */
export async function caseSession({ trust, at }: CaseArgs): Promise<Pick<SessionOptions, 'clock' | 'files'>> {
  const files = trust === undefined ? undefined : await openSavedTrust(trust);
  if (trust !== undefined && files === undefined)
    throw new CommandError(`--trust ${trust}: is no folder; write one with replay --save-trust`);
  return { ...(at !== undefined && { clock: clockAt(at) }), ...(files !== undefined && { files }) };
}

/** A session that saves the trust data it fetches into a folder; `saved` tells afterwards of which repositories. */
export function savingSession(
  folder: string | undefined,
): Pick<SessionOptions, 'around'> & { saved(): readonly string[] } {
  let saver: TrustSaver | undefined;
  const saved = () => saver?.repositories ?? [];
  if (folder === undefined) return { saved };
  return {
    saved,
    around: (files) => {
      saver = new TrustSaver(files, folder);
      return saver;
    },
  };
}
