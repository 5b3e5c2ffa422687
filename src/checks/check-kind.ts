/**
 * The contract of a check: a question to another program, on whose answer a step of a release waits.
 *
 * The life of a check: the configuration file names it, `create` is called once for each daemon, and
 * `CheckRunner` calls `evaluate` again and again while a release waits for it. An evaluation ends soon after
 * its signal aborts. It never rejects: a fault is the answer `unknown`. The other program may be slow, gone,
 * lying or hostile, so each text of it is read with a limit.
 */

import type { JsonSchema } from "../text/json-schema.ts";
import type { TableKeys } from "./table-keys.ts";

/** A step of a release, as a check sees it. */
export interface Subject {
  readonly application: string;
  readonly version: string;
  /** The release, and the count of its writes: they tell one state of one release from all others. */
  readonly key: string;
  readonly seq: number;
  /** The release and its software for people, such as 7 and `v42`. */
  readonly id: number;
  readonly of: string;
  /** From 1 to `steps`. */
  readonly step: number;
  readonly steps: number;
  /** The share of all visitors in this step, from 0 to 1. */
  readonly rollout: number;
}

/**
 * The result of one evaluation. `why` is a part of a sentence for people. It holds no secret, and only safe
 * characters: `the query gives 0.004, and go is < 0.01`.
 */
export interface Answer {
  /**
   * Passed: the step may end. Waiting: not yet. Harm: the release must be taken back. Unknown: there is no
   * answer, which is never a verdict.
   */
  readonly kind: "passed" | "waiting" | "harm" | "unknown";
  readonly why: string;
}

export function unknown(why: string): Answer {
  return { kind: "unknown", why };
}

export interface Check {
  evaluate(subject: Subject, signal: AbortSignal): Promise<Answer>;
}

/** The tools of a check, beside its own keys. */
export interface CheckTools {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** After this time the signal of an evaluation aborts. For the texts of answers. */
  readonly timeoutMs: number;
}

/** A check as its kind has read it from the table. */
export interface ReadCheck {
  /** The program that it asks, for people and without secrets: `http://prometheus.internal:9090`. */
  readonly target: string;
  /** Harm is a verdict after this many evaluations in a row. */
  readonly harmAfter: number;
  create(tools: CheckTools): Check;
}

/** One key of a kind's table, as the configuration page shows it. */
export interface KeyRow {
  readonly name: string;
  /** The form of its value. */
  readonly form: string;
  /** The value that counts without the key. */
  readonly absent: string;
  readonly meaning: string;
  /** The JSON schema of its value. It allows each value that the kind can read. */
  readonly schema: JsonSchema;
  readonly isRequired?: boolean;
}

/** A kind of check. Its file exports one of these, and `list.ts` names it. */
export interface CheckKind {
  readonly name: string;
  readonly summary: string;
  /** The keys of this kind, beside those of all kinds. */
  readonly keys: readonly KeyRow[];
  /** Reads them. Undefined if a key is missing or wrong, which `keys` has reported then. */
  read(keys: TableKeys): ReadCheck | undefined;
}
