import type { Outside } from '../../functions/cli/outside.ts';

/** The world around a command, in memory. */
export interface TestOutside extends Outside {
  /** What was written until now. */
  said(): { readonly output: string; readonly messages: string };
}

/** An outside with this environment and standard input; streams are no terminals unless `terminal` says so. */
export function outsideOf({
  env = {},
  input = '',
  terminal = false,
}: {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly terminal?: boolean;
} = {}): TestOutside {
  const written = { output: '', messages: '' };
  const stream = (name: keyof typeof written) => ({
    isTTY: terminal,
    write(text: string) {
      written[name] += text;
    },
  });
  return {
    env,
    input: (async function* () {
      yield Buffer.from(input);
    })(),
    output: stream('output'),
    messages: stream('messages'),
    said: () => ({ ...written }),
  };
}
