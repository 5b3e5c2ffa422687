/** How a command ends: the one table of exit statuses, and the error that carries one of them. */

/** What scripts can tell apart. Also the page of help that lists them. */
export const EXITS = {
  ok: { status: 0, meaning: "done" },
  failed: { status: 1, meaning: "what was asked for failed or is not there" },
  usage: { status: 2, meaning: "wrong flags, environment, configuration file or words" },
  unreachable: { status: 3, meaning: "nobody answers: the daemon or the store" },
  conflict: { status: 4, meaning: "somebody else wrote first, or -expect did not hold; nothing was written" },
} as const;

export type ExitCode = keyof typeof EXITS;

/** A failure that a person can do something about. Everything else that is thrown is a bug, and crashes. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: ExitCode;
  /** What to do about it; absent where the message says it. */
  readonly remedy: string | undefined;

  constructor(code: ExitCode, message: string, remedy?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.remedy = remedy;
  }

  get status(): number {
    return EXITS[this.code].status;
  }
}
