/**
 * The contract of a check of `maxwells-daemon doctor`.
 *
 * A check proves one thing about a set-up, with numbers. The checks run one after the other, in the order of `list.ts`. A
 * check resolves to a finding and leaves everything as it found it. It may reject: that becomes a failed finding. When
 * `signal` is aborted, its time is over, and it returns as soon as it can.
 *
 * Doctor names the cause and leaves out what follows from it. A finding that is such a cause has a `consequence`, and the
 * checks that would only see this consequence again name the check of the cause in `follows`. They are skipped.
 */

import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

export interface Check {
  /** Never changes: scripts know a check by it. It says what is checked. */
  readonly id: string;
  /** What is proved if it passes. */
  readonly title: string;
  /** The ids of checks that run before. If one of them finds a cause, this check is skipped. */
  readonly follows?: readonly string[];
  /** Why it cannot run, as a clause; undefined if it can. */
  skip?(subject: Subject): string | undefined;
  /** Whether a failed check runs once more, because a proxy may be in the middle of a change. */
  readonly isRepeated?: boolean;
  run(subject: Subject, signal: AbortSignal): Promise<Finding>;
}

/** The check that found why this one would prove nothing, and why; undefined if there is none. The earliest one counts. */
export function causeOf(
  { follows = [] }: Pick<Check, "follows">,
  findings: ReadonlyMap<string, Finding>,
): { readonly id: string; readonly consequence: string } | undefined {
  for (const [id, { consequence }] of findings) {
    if (consequence !== undefined && follows.includes(id)) return { id, consequence };
  }
  return undefined;
}
