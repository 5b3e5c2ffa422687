/** How a command ends: the one list of exit statuses, and the error that carries one of them. */

interface ExitStatus {
  readonly status: number;
  readonly meaning: string;
}

/**
 * Scripts tell these apart, and pages of help list them. A command's own status has its name in its meaning,
 * because another command may have the same number.
 */
export const EXITS = {
  ok: { status: 0, meaning: "done" },
  failed: { status: 1, meaning: "it failed, or something that was asked for is not there" },
  usage: { status: 2, meaning: "wrong flags, environment, configuration file or words" },
  unreachable: { status: 3, meaning: "the daemon or the store does not answer" },
  conflict: {
    status: 4,
    meaning: "another writer was first, or the record is not as expected; nothing was written",
  },
  behind: {
    status: 5,
    meaning: "set -wait: it was written, but not every daemon followed in time",
  },
  running: { status: 5, meaning: "release -wait: the release still goes on at the end of -timeout" },
  paused: { status: 6, meaning: "release -wait: the release is paused, and a person must resume it" },
  replaced: { status: 7, meaning: "release -wait and -watch: another release took its place, or it is gone" },
  unled: {
    status: 8,
    meaning: "release: it was written, but no daemon leads it, so it stays at its first step",
  },
  aborted: { status: 9, meaning: "release -wait and -watch: the release was aborted" },
  fading: {
    status: 5,
    meaning: "undo and finish with -over: it was written, but the rollout is not at 0 yet",
  },
} as const satisfies Record<string, ExitStatus>;

/** 128 + SIGINT, as a shell says it. A person has ended what only a person ends. */
export const EXIT_INTERRUPTED = 130;

export type ExitCode = keyof typeof EXITS;

/** A failure that a person can mend. Everything else that is thrown is a bug, and crashes. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: ExitCode;
  /** The advice to the operator; absent if the message has it. */
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
