/** Conditions on a figure, such as `< 0.01`. Pure. */

import { Problem } from "../config/option.ts";
import { quote } from "../text/quote.ts";

export interface Condition {
  readonly operator: "<" | "<=" | ">" | ">=";
  /** Finite. */
  readonly bound: number;
  /** As people read it: `< 0.01`. */
  readonly text: string;
}

const CONDITION = /^(<=|>=|<|>) *([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)$/;

export function parseCondition(text: string): Condition | Problem {
  const [, operator, digits] = CONDITION.exec(text.trim()) ?? [];
  const bound = Number(digits);
  if (digits === undefined || !Number.isFinite(bound)) {
    return new Problem(`${quote(text)}: write <, <=, > or >= and a number, such as "< 0.01"`);
  }
  return { operator: operator as Condition["operator"], bound, text: `${operator} ${digits}` };
}

/** @param figure finite */
export function holds({ operator, bound }: Condition, figure: number): boolean {
  switch (operator) {
    case "<":
      return figure < bound;
    case "<=":
      return figure <= bound;
    case ">":
      return figure > bound;
    case ">=":
      return figure >= bound;
  }
}

/** Whether a figure exists for which both are true. */
export function overlap(one: Condition, other: Condition): boolean {
  if (isUpper(one) === isUpper(other)) return true;
  const [upper, lower] = isUpper(one) ? [one, other] : [other, one];
  if (lower.bound !== upper.bound) return lower.bound < upper.bound;
  return lower.operator === ">=" && upper.operator === "<=";
}

function isUpper({ operator }: Condition): boolean {
  return operator === "<" || operator === "<=";
}
