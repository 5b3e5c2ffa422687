/** A condition of a release for programs. Pure. Times that only a controller can tell are left out. */

import type { Condition } from "./due.ts";

export interface ConditionDocument {
  readonly kind: Condition["kind"];
  readonly state: Condition["state"];
  /** The name of a check or of a sign. */
  readonly name?: string;
  /** For `time` and `ok`. */
  readonly passedMs?: number;
  /** For `time` and `ok`; null if there is no bound. */
  readonly ofMs?: number | null;
}

export function conditionDocument(condition: Condition): ConditionDocument {
  const { kind, state } = condition;
  switch (kind) {
    case "time":
    case "ok":
      return { kind, state, passedMs: Math.round(condition.passedMs), ofMs: condition.ofMs ?? null };
    case "check":
    case "sign":
      return { kind, state, name: condition.name };
    default:
      return { kind, state };
  }
}
