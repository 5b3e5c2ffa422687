/** A plan as `maxwells-daemon plan` prints it: its timetable, and the settings that belong to it. Pure. */

import type { NamedPlan } from "../../../releases/named-plans.ts";
import { type Plan, type Step, waitText } from "../../../releases/plan.ts";
import { leastMs, leastOf, neverOkSentence, type StepTimes, timetable } from "../../../releases/timetable.ts";
import { exactDurationText, rolloutText } from "../../../text/amounts.ts";
import { aligned, columns } from "../../../text/columns.ts";
import { PROGRAM } from "../../command.ts";

/** A plan with the settings of its table, or a line without a name. */
export type Subject = Partial<NamedPlan> & { readonly plan: Plan };

/** The smallest change of a rollout that Traefik can follow, because it serves slices of the circle. */
const SLICE = 0.001;

/** The plan for programs. Times are texts in UTC. */
export function planDocument(subject: Subject, startMs: number): object {
  const { name, plan, inconclusive, windows = [], slowMs, events, failsafe, offset } = subject;
  const times = timetable(plan, windows, startMs);
  return {
    ...(name !== undefined && { name, inconclusive, slowMs, events, failsafe, offset: offset ?? null }),
    windows: windows.map(({ text }) => text),
    plan: plan.text,
    leastMs: leastMs(plan),
    steps: plan.steps.map(({ rollout, wait }, index) => ({
      step: index + 1,
      rollout,
      wait,
      startsAt: timeText(times[index]?.startsAtMs),
      endsAt: timeText(times[index]?.endsAtMs),
    })),
    remarks: remarksOn(plan),
  };
}

/** The plan for people, and below it the lines of other plans. */
export function planPage(subject: Subject, startMs: number, others: readonly NamedPlan[]): string {
  const { name, plan, windows = [] } = subject;
  const times = timetable(plan, windows, startMs);
  const count = plan.steps.length === 1 ? "1 step" : `${plan.steps.length} steps`;
  const least = plan.steps.length === 1 ? "" : `, 100% after ${exactDurationText(leastMs(plan))} at least`;
  const sections = [
    `${name === undefined ? "a plan without a name" : `plan ${name}`}: ${count}${least}\n  ${plan.text}\n`,
    timetableText(plan, times),
    settingsOf(subject),
    remarksOn(plan)
      .map((remark) => `${remark}\n`)
      .join(""),
    others.length === 0
      ? ""
      : `other plans; ${PROGRAM} plan NAME shows one:\n${aligned(
          others.map((other) => [other.name, other.plan.text]),
          "  ",
        )}`,
  ];
  return sections.filter((section) => section !== "").join("\n");
}

/** One line for each step, with its earliest times. */
export function timetableText({ steps }: Plan, times: readonly StepTimes[]): string {
  return columns(
    ["step", "rollout", "earliest start", "earliest end", "waits for"],
    steps.map((step, index) => [
      String(index + 1),
      rolloutText(step.rollout),
      timeText(times[index]?.startsAtMs),
      timeText(times[index]?.endsAtMs),
      waitWords(step, times[index]),
    ]),
  );
}

function settingsOf(subject: Subject): string {
  const { name, inconclusive, windows = [], slowMs = [], events = {}, failsafe, offset } = subject;
  if (name === undefined) return "";
  const rows = [
    ["inconclusive", inconclusive ?? ""],
    ...(windows.length === 0 ? [["windows", "none: it goes forward at any time"]] : []),
    ...windows.map(({ text }, index) => [index === 0 ? "windows" : "", text]),
    ["slow", slowMs.length === 0 ? "none" : slowMs.map((ms) => `${ms}ms`).join(", ")],
    ...Object.entries(events).map(([event, part], index) => [
      index === 0 ? "events" : "",
      `${event}=${part}`,
    ]),
    ["failsafe", failsafe ?? ""],
    ["offset", offset === undefined ? "not set" : String(offset)],
  ];
  return aligned(rows);
}

/** `30m, and ok within 2h`; and a window, if the step must wait for one. */
function waitWords(step: Step, times: StepTimes | undefined): string {
  const { wait } = step;
  const isLonger = times !== undefined && times.endsAtMs - times.startsAtMs > leastOf(step);
  const terms = waitText(wait)
    .split("+")
    .map((term) => term.replace("ok<", "ok within ").replace("approve", "approval"));
  return [...terms, ...(isLonger ? ["a window"] : [])].join(", and ");
}

function remarksOn(plan: Plan): readonly string[] {
  const neverOk = neverOkSentence(plan);
  return [...(neverOk === undefined ? [] : [`${neverOk}.`]), ...sliceRemarks(plan)];
}

function sliceRemarks({ steps }: Plan): readonly string[] {
  const fine = steps.find(({ rollout }) => Math.abs(rollout / SLICE - Math.round(rollout / SLICE)) > 1e-6);
  if (fine === undefined) return [];
  const share = rolloutText(fine.rollout);
  return [`Traefik's slices are ${rolloutText(SLICE)} each, so it cannot serve ${share} exactly.`];
}

function timeText(ms = Number.NaN): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().replace(/\.\d+Z$/, "Z") : "never";
}
