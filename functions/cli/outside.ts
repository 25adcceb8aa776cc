/** Exit codes of every command; docs/cli.md says the same. */
export const EXIT = {
  /** Everything that was asked about would be admitted. */
  admitted: 0,
  /** Something would be refused. */
  refused: 1,
  /** The command could not tell: usage, configuration, or no answer. */
  failed: 2,
} as const;

/** A text stream of the process, or what a test puts in its place. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** What a command sees of the world around it. */
export interface Outside {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: AsyncIterable<Uint8Array>;
  /** Results, and nothing else. */
  readonly output: TextStream;
  /** Notes, progress and errors. */
  readonly messages: TextStream;
}

/** A command that can't go on: `message` is for the person who called it. Ends with `EXIT.failed`. */
export class CommandError extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'CommandError';
  }
}
