/** The result of a check of doctor: a proof, or a fault, with its numbers and its remedy. */

export type Verdict = "pass" | "fail" | "warn" | "skipped";

/** Numbers and words that programs read; their names are part of the documented shape. */
export type Evidence = Readonly<Record<string, EvidenceValue>>;
export type EvidenceValue =
  | string
  | number
  | boolean
  | null
  | readonly string[]
  | Readonly<Record<string, number>>;

export interface Finding {
  readonly verdict: Verdict;
  /** One sentence with the proof, or with the fault and its place. For `skipped`, the reason, as a clause. */
  readonly summary: string;
  readonly evidence: Evidence;
  /** The thing to do. Every `fail` and `warn` has one. */
  readonly remedy?: string;
  /** A fault that counts even if it does not happen again: an error, a page of another version. */
  readonly isFinal?: boolean;
  /** The consequence that makes later checks useless, as a clause: "all visitors go to master". */
  readonly consequence?: string;
}

export function pass(summary: string, evidence: Evidence = {}): Finding {
  return { verdict: "pass", summary, evidence };
}

export function fail(summary: string, remedy: string, evidence: Evidence = {}): Finding {
  return { verdict: "fail", summary, evidence, remedy };
}

export function warn(summary: string, remedy: string, evidence: Evidence = {}): Finding {
  return { verdict: "warn", summary, evidence, remedy };
}

export function skipped(summary: string, evidence: Evidence = {}): Finding {
  return { verdict: "skipped", summary, evidence };
}

/** The same finding as a cause: checks that follow it are skipped, with `consequence` as the reason. */
export function causing(finding: Finding, consequence: string): Finding {
  return { ...finding, consequence };
}
