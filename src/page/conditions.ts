/** The conditions of the present step, each with how far it is. Pure. */

import type { Condition } from "../releases/due.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import { oneLine } from "../text/one-line.ts";
import type { Progress } from "../verbs/progress.ts";
import { conditionWords, type Text } from "../verbs/wait-words.ts";
import type { ConditionNews, WaitNews } from "./news.ts";

export function conditionsNews(progress: Progress, storeFlags: StoreFlags): ConditionNews[] {
  // The evidence itself is no more than the judge's word needs, unless only it is missing.
  const all = progress.conditions.filter(
    (each) =>
      each.kind !== "evidence" || (each.state !== "met" && textsOf(each, progress, storeFlags).length > 0),
  );
  return all.map((condition) => ({
    ...{ kind: condition.kind, state: condition.state, label: labelOf(condition) },
    way: wayOf(condition, progress),
    texts: condition.state === "met" ? [] : textsOf(condition, progress, storeFlags),
  }));
}

export function waitNews(text: Text): WaitNews {
  return typeof text === "string" ? { text, command: null } : { text: text.text, command: text.command };
}

function textsOf(condition: Condition, progress: Progress, storeFlags: StoreFlags): WaitNews[] {
  return conditionWords(condition, progress, storeFlags).map(waitNews);
}

function wayOf(condition: Condition, { judged }: Progress): ConditionNews["way"] {
  if (condition.kind === "time") {
    const done = Math.round(Math.min(condition.passedMs, condition.ofMs));
    return condition.ofMs > 0 ? { done, of: condition.ofMs, unit: "ms" } : null;
  }
  // Without a visitor, the estimate says nothing.
  if (condition.kind !== "ok" || judged === undefined || judged.needed === null || judged.visitors === 0) {
    return null;
  }
  const of = Math.round(judged.needed);
  return of > 0 ? { done: Math.min(judged.visitors, of), of, unit: "visitors" } : null;
}

const LABELS = {
  time: "time",
  ok: "the judge's ok",
  evidence: "evidence",
  approve: "approval by a person",
  windows: "an open window",
  freeze: "no freeze",
  plan: "a plan that this daemon can read",
  resume: "a person, because it is paused",
  fade: "the way down",
} as const;

function labelOf(condition: Condition): string {
  switch (condition.kind) {
    case "check":
      return oneLine(`check(${condition.name})`);
    case "sign":
      return oneLine(`no sign ${condition.name}`);
    default:
      return LABELS[condition.kind];
  }
}
