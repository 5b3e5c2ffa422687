/**
 * The contract of a check of `maxwells-daemon doctor`.
 *
 * A check proves one thing about a set-up, with numbers. It is run after those before it in `list.ts`, alone, and only
 * where `skip` has nothing against it. It resolves to a finding, leaves everything as it found it, and may reject: that
 * becomes a failed finding, as a doctor that crashes helps nobody. When `signal` is aborted its time is over, and it
 * returns as soon as it can.
 */

import type { Subject } from "./subject.ts";

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
  /** One sentence: what was proved, or what is wrong and where; for `skipped`, why. */
  readonly summary: string;
  readonly evidence: Evidence;
  /** What to do about it. There with every `fail` and `warn`. */
  readonly remedy?: string;
  /** Once seen it counts, however often it goes well: an error, a page of another version. */
  readonly isFinal?: boolean;
}

export interface Check {
  /** Never changes: scripts know a check by it. */
  readonly id: string;
  /** What is proved where it passes. */
  readonly title: string;
  /** Why it cannot be run; undefined where it can. */
  skip?(subject: Subject): string | undefined;
  /** Whether it is run again where it failed: what one is wrong about for a moment is right then. */
  readonly isRepeated?: boolean;
  run(subject: Subject, signal: AbortSignal): Promise<Finding>;
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
