/**
 * The plan that a person means by one word: the name of a plan of the configuration file, or the line of a
 * plan itself. Pure.
 */

import { DEFAULT_PLAN, type NamedPlan, PLAN_NAME } from "../releases/named-plans.ts";
import { PlanProblems, parsePlan } from "../releases/plan-parser.ts";
import { nearest } from "../text/nearest.ts";
import { quote } from "../text/quote.ts";

/** A plan with its settings. A line without a name has the settings that a table without keys has. */
export type ChosenPlan = Omit<NamedPlan, "name"> & { readonly name: string | undefined };

export type PlanChoice =
  | { readonly kind: "plan"; readonly plan: ChosenPlan }
  /** The word has the form of a name, and no plan has this name. */
  | { readonly kind: "no-such-plan"; readonly message: string }
  | { readonly kind: "problems"; readonly problems: PlanProblems };

/**
 * @param word undefined for the plan `default`
 * @param all  as the setting `plans` has them
 */
export function choosePlan(word: string | undefined, all: readonly NamedPlan[]): PlanChoice {
  const wanted = word ?? DEFAULT_PLAN;
  const named = all.find(({ name }) => name === wanted);
  if (named !== undefined) return { kind: "plan", plan: named };
  if (PLAN_NAME.test(wanted)) {
    const names = all.map(({ name }) => name);
    const hint = nearest(wanted, names) || `; the plans are ${names.join(", ")}`;
    return { kind: "no-such-plan", message: `${quote(wanted)}: no plan has this name${hint}` };
  }
  const plan = parsePlan(wanted);
  if (plan instanceof PlanProblems) return { kind: "problems", problems: plan };
  const settings = {
    inconclusive: "pause",
    windows: [],
    slowMs: [],
    events: {},
    failsafe: "master",
  } as const;
  return { kind: "plan", plan: { name: undefined, plan, ...settings, offset: undefined } };
}
