/**
 * The beginning of a release: what a person asks for, checked, and resolved so that no daemon needs the
 * configuration file of the one that typed it. Pure. The caller draws what is random.
 */

import { isVersion, MAINTENANCE } from "../circle.ts";
import { weightsOf } from "../judge/metrics.ts";
import { fieldsOf } from "../records/fields.ts";
import type { Plan } from "../releases/plan.ts";
import { RELEASE } from "../releases/release.ts";
import type { Start } from "../releases/request.ts";
import { neverOkSentence } from "../releases/timetable.ts";
import type { Snapshot } from "../stores/store.ts";
import { exactDurationText, rolloutText } from "../text/amounts.ts";
import { quote } from "../text/quote.ts";
import type { ChosenPlan } from "./chosen-plan.ts";

/** Offsets are multiples of 1/1000: people can type them, and Traefik's slices are as large. */
const OFFSETS = 1_000;

/** The name of the software has at most this many characters. The name of an image with its digest fits. */
const OF_LENGTH_MAX = 200;

/** The words of a person, and the surroundings of the release as far as the settings tell them. */
export interface Wish {
  readonly version: string;
  /** The name of the software, such as `v42`; undefined if the person gave none. */
  readonly of: string | undefined;
  /** Undefined if it could not be read, which its reader tells. */
  readonly plan: ChosenPlan | undefined;
  /** Whether daemons of 2016, which know no offset, may read the same table. */
  readonly isDynamodb: boolean;
  /** Whether Traefik divides the visitors, in slices of the circle. */
  readonly hasSlices: boolean;
}

/** All reasons why this wish cannot become a release; none if it can. Each ends in the remedy. */
export function startProblems({ version, of, plan, isDynamodb, hasSlices }: Wish): string[] {
  return [
    ...versionProblems(version),
    ...nameProblems(of),
    ...(plan !== undefined && hasSlices ? sliceProblems(plan.plan) : []),
    ...(plan !== undefined && isDynamodb && plan.offset !== "random" && plan.offset !== 0
      ? [offsetProblem(plan)]
      : []),
  ];
}

/** Warnings about a release that can begin. */
export function startRemarks({ plan, isDynamodb }: Wish): string[] {
  const neverOk = plan && neverOkSentence(plan.plan);
  const sameVisitors =
    "the offset is 0, so each release begins with the same visitors: a false alarm would repeat for the same ones";
  return [
    ...(neverOk === undefined ? [] : [neverOk]),
    ...(isDynamodb && plan?.offset === 0 ? [sameVisitors] : []),
  ];
}

/** Random values of a start. */
export interface Draw {
  /** 96 random bits as 24 hexadecimal digits. */
  readonly key: () => string;
  /** In [0, 1). */
  readonly random: () => number;
}

/** @param snapshot all records of the application: the release gets the next free id */
export function startOf(of: string, chosen: ChosenPlan, snapshot: Snapshot, draw: Draw): Start {
  const { plan, inconclusive, failsafe, windows, slowMs, events, offset } = chosen;
  const weights = weightsOf({ bounds: slowMs.length, isBroughtTold: true, events });
  return {
    ...{ key: draw.key(), id: nextId(snapshot), of, plan, inconclusive, weights },
    offset: typeof offset === "number" ? offset : Math.floor(draw.random() * OFFSETS) / OFFSETS,
    failsafe: failsafe === "hold" ? failsafe : undefined,
    windows: windows.length === 0 ? undefined : windows.map(({ text }) => text),
    slow: slowMs.length === 0 ? undefined : slowMs.map(boundText),
  };
}

/**
 * One above the highest id of any release of the application, also of one that is over, or that this program
 * cannot read otherwise.
 */
export function nextId(snapshot: Snapshot): number {
  const ids = [...snapshot.values()].map(({ value }) => fieldsOf(fieldsOf(value)[RELEASE])["id"]);
  return Math.max(0, ...ids.filter((id) => typeof id === "number" && id > 0 && id < ID_MAX).map(Number)) + 1;
}

/** A greater id is none that counted releases. It must leave room for the next one. */
const ID_MAX = 1e12;

function versionProblems(version: string): string[] {
  if (version === MAINTENANCE) {
    return ["maintenance is a switch, and cannot be released; write set maintenance on"];
  }
  if (isVersion(version)) return [];
  return [
    `${quote(version)} cannot be a version; write letters, digits, ".", "_", "-", at most 64, and not master`,
  ];
}

function nameProblems(of: string | undefined): string[] {
  if (of === undefined) {
    return ["the name of the software is missing; write it, such as -of v42: finish asks for it again"];
  }
  if (of.trim() !== "" && of.length <= OF_LENGTH_MAX && !/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(of)) {
    return [];
  }
  return [`${quote(of)} cannot name the software; write at most ${OF_LENGTH_MAX} printable characters`];
}

/** A slice of Traefik is one thousandth of the circle. The judge counts visitors, and cannot see them. */
function sliceProblems({ steps }: Plan): string[] {
  const fine = steps.filter(
    ({ rollout }) => Math.abs(rollout * OFFSETS - Math.round(rollout * OFFSETS)) > 1e-6,
  );
  const problems = fine.map(
    ({ rollout }) =>
      `Traefik (-traefik) cannot serve ${rolloutText(rollout)}, because its slices are 0.1% each; write a multiple of that`,
  );
  if (steps.some(({ wait }) => wait.ok !== undefined)) {
    problems.push(
      "Traefik (-traefik) divides visitors in slices, which cannot be judged; write a plan without ok, such as 1%:1h,100%:1d",
    );
  }
  return problems;
}

function offsetProblem({ name, offset }: ChosenPlan): string {
  const why = "a daemon of 2016 on the same DynamoDB table knows no offset, and would serve other visitors";
  const place =
    name === undefined
      ? "give the plan a name in the configuration file, and write"
      : `write into [plans.${name}]`;
  const without = offset === undefined ? "the plan names no offset" : `the plan's offset is ${offset}`;
  return (
    `${without}, and ${why}; ${place} offset = "random" if no such daemon is left, ` +
    "or offset = 0; with 0, a false alarm repeats for the same visitors in each release"
  );
}

/** `400ms`, `1s`, as the configuration file has it. */
function boundText(ms: number): string {
  return ms % 1_000 === 0 ? exactDurationText(ms) : `${ms}ms`;
}
