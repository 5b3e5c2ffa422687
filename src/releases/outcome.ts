/** Answers of the machine that write nothing. */

import type { Misused, NoOp, Outcome, Refused, RefusedFacts } from "./request.ts";

export function noOp(code: NoOp): Outcome {
  return { kind: "no-op", code };
}

export function refused(code: Refused, facts: RefusedFacts): Outcome {
  return { kind: "refused", code, facts };
}

export function error(code: Misused): Outcome {
  return { kind: "error", code };
}
