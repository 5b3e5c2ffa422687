/**
 * The contract of a check of `maxwells-daemon doctor`.
 *
 * A check proves one thing about a set-up, with numbers. The checks run one after the other, in the order of
 * `list.ts`. A check resolves to a finding and leaves everything as it found it. If it rejects, doctor makes
 * a failed finding of the error. When `signal` is aborted, the check's time is over, and it returns as soon
 * as it can.
 *
 * Doctor reports a cause once, and leaves out its consequences. A finding that is a cause has a
 * `consequence`. A check that would only see that consequence again names the cause's check in `follows`,
 * and doctor skips it.
 */

import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

export interface Check {
  /** The name of the thing that is checked. It never changes, because scripts know a check by it. */
  readonly id: string;
  /** The statement that is proved if the check passes. */
  readonly title: string;
  /** The ids of earlier checks. If one of them finds a cause, this check is skipped. */
  readonly follows?: readonly string[];
  /** Why the check cannot run, as a clause; undefined if it can. */
  skip?(subject: Subject): string | undefined;
  /** Whether a failed check runs once more, because a proxy may be in the middle of a change. */
  readonly isRepeated?: boolean;
  run(subject: Subject, signal: AbortSignal): Promise<Finding>;
}

/**
 * The earliest check that found why this one would prove nothing, with its consequence; undefined if there is
 * none.
 */
export function causeOf(
  { follows = [] }: Pick<Check, "follows">,
  findings: ReadonlyMap<string, Finding>,
): { readonly id: string; readonly consequence: string } | undefined {
  for (const [id, { consequence }] of findings) {
    if (consequence !== undefined && follows.includes(id)) return { id, consequence };
  }
  return undefined;
}
