import { caseOptions, caseSession, savingSession } from '../case.ts';
import { defineCommand } from '../command.ts';
import { exitCode, statusOf } from '../findings.ts';
import { readBytes } from '../manifests.ts';
import { renderJson } from '../render.ts';
import { renderReplay, replayReview } from '../replay.ts';
import { withSession } from '../session.ts';
import { paintFor, plain } from '../terminal.ts';

const FORMATS = ['text', 'json'] as const;

/** `replay REVIEW`: what the gate answers to a saved AdmissionReview. */
export const replay = defineCommand({
  usage: 'replay <review>',
  summary: 'What does the gate answer to this saved AdmissionReview?',
  options: (yargs) =>
    caseOptions(yargs)
      .positional('review', {
        type: 'string',
        demandOption: true,
        // yargs makes an empty text of a positional `-`.
        coerce: (given: string) => (given === '' ? '-' : given),
        describe: 'A file of JSON, or - for standard input',
      })
      .option('save-trust', {
        type: 'string',
        requiresArg: true,
        describe: 'Save the trust data that is fetched into this folder, for --trust',
      })
      .option('output', {
        alias: 'o',
        choices: FORMATS,
        default: 'text' as const,
        describe: 'Form of the answer; json: the AdmissionReview as the API server would get it',
      })
      .example('$0 replay review.json', 'Decision, images before and after, message, warnings')
      .example(
        '$0 replay review.json --save-trust case/',
        'Keep the trust data, so that the case can be looked at later',
      )
      .example('$0 replay review.json --trust case/ --at 2026-03-01T12:00:00Z', 'The same case, without a network'),
  run: async (args, outside) => {
    const body = await readBytes(args.review, outside);
    const { saved, ...saving } = savingSession(args.saveTrust);
    const options = { ...(await caseSession(args)), ...saving };
    return withSession(
      args,
      outside,
      async (session) => {
        const admission = await replayReview(session, body, args.timeout);
        for (const gun of saved()) outside.messages.write(`saved: ${plain(gun)} in ${plain(args.saveTrust ?? '')}\n`);
        const paint = paintFor(outside.output, outside.env);
        outside.output.write(args.output === 'json' ? renderJson(admission.answer) : renderReplay(admission, paint));
        return exitCode([{ status: statusOf(admission.decision) }]);
      },
      options,
    );
  },
});
