/**
 * The plans that have a name, as tables of the configuration file:
 *
 *     [plans.checkout]
 *     steps        = ["1%:10m", "5%:30m+ok", "100%:1d"]
 *     inconclusive = "pause"
 *     windows      = ["mon-thu 09:00-16:00 Europe/Berlin"]
 *     slow         = ["400ms", "1s"]
 *     events       = ["checkout-failed=0.3"]
 *     failsafe     = "master"
 *     offset       = "random"
 *
 * A plan named `default` is there without any file.
 */

import { type KeyProblem, Problem, readTableText, type Tables, tableText } from "../config/option.ts";
import { parseDuration } from "../config/values.ts";
import { DURATION, type JsonSchema, textsOf as textsSchema } from "../text/json-schema.ts";
import { nearest } from "../text/nearest.ts";
import { quote } from "../text/quote.ts";
import type { Plan } from "./plan.ts";
import { PlanProblems, parsePlan } from "./plan-parser.ts";
import { parseWindow, WINDOW_PATTERN, type Window } from "./windows.ts";

/** The name of the plan that counts if no other one is named. */
export const DEFAULT_PLAN = "default";

/** The steps of the plan `default`, if the file does not give others. */
export const DEFAULT_STEPS = "1%:10m,5%:30m+ok,25%:1h+ok,50%:1h+ok,100%:1d";

/** A name begins with a letter, so it is never the text of a plan. */
export const PLAN_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** The record of a version holds the windows and the bounds, and has little room. */
export const WINDOWS_MAX = 16;

/** The judge has three metrics of slowness. */
export const SLOW_MAX = 3;
const SLOW_MS_MIN = 1;
const SLOW_MS_MAX = 600_000;

/** The record of a version has room for this many, beside the standard metrics. */
export const EVENTS_MAX = 8;

/** An event is a word in a line of text, and a label of a metric. */
const EVENT = /^([A-Za-z][A-Za-z0-9_-]{0,31})=(0?\.\d{1,3})$/;

/** The standard metrics keep a part of the budget of false alarms. */
const EVENTS_WEIGHT_MAX = 0.9;

/** Offsets are multiples of this, because Traefik's slices are. */
const OFFSETS = 1_000;

export interface NamedPlan {
  readonly name: string;
  readonly plan: Plan;
  /** The end of a step in which the bound of `ok` passes without an `ok`. */
  readonly inconclusive: "pause" | "abort";
  /** The hours in which the release goes forward; none if it may at any time. */
  readonly windows: readonly Window[];
  /** The bounds of the slow metrics in milliseconds, ascending, each once. */
  readonly slowMs: readonly number[];
  /** The application's own bad events, each with its part of the budget of false alarms. */
  readonly events: Readonly<Record<string, number>>;
  /** The failsafe from promotion to finish. */
  readonly failsafe: "master" | "hold";
  /** Undefined if the plan does not say it; then it is drawn, and DynamoDB asks for a word. */
  readonly offset: "random" | number | undefined;
}

/** The keys of a table, in the order of the pages. */
export const PLAN_KEYS = [
  "steps",
  "inconclusive",
  "windows",
  "slow",
  "events",
  "failsafe",
  "offset",
] as const;

export type PlanKey = (typeof PLAN_KEYS)[number];

/** A step or several, with spaces around each part. `parsePlan` knows more rules than a pattern can say. */
const STEPS: JsonSchema = { type: "string", pattern: String.raw`^\s*[\d.]` };

/** The JSON schema of each key's value. */
const KEY_SCHEMAS: Readonly<Record<PlanKey, JsonSchema>> = {
  steps: textsSchema(STEPS, { minItems: 1 }),
  inconclusive: { enum: ["pause", "abort"] },
  windows: textsSchema({ type: "string", pattern: WINDOW_PATTERN }, { maxItems: WINDOWS_MAX }),
  slow: textsSchema(DURATION, { maxItems: SLOW_MAX }),
  events: textsSchema({ type: "string", pattern: EVENT.source }, { maxItems: EVENTS_MAX }),
  failsafe: { enum: ["master", "hold"] },
  offset: {
    anyOf: [
      { const: "random" },
      { type: "number", minimum: 0, exclusiveMaximum: 1 },
      { type: "string", pattern: String.raw`^\d*\.?\d+$` },
    ],
  },
};

/** All named plans. The plan `default` is always among them. */
export const plans: Tables<NamedPlan> = {
  name: "plans",
  summary: "the named plans of releases; only the configuration file can have them",
  repeatable: true,
  schema: {
    type: "object",
    propertyNames: { pattern: PLAN_NAME.source },
    properties: { [DEFAULT_PLAN]: tableSchema([]) },
    additionalProperties: tableSchema(["steps"]),
  },
  parse(texts) {
    const named = texts.map((text) => readNamedPlan(text, () => {}));
    if (named.some(({ name }) => name === DEFAULT_PLAN)) return named;
    return [readNamedPlan(tableText(DEFAULT_PLAN, {}), () => {}), ...named];
  },
  problemsOf(text) {
    const problems: KeyProblem[] = [];
    readNamedPlan(text, (path, message) => problems.push({ path, message }));
    return problems;
  },
};

function tableSchema(required: readonly PlanKey[]): JsonSchema {
  return { type: "object", properties: KEY_SCHEMAS, required, additionalProperties: false };
}

/** Takes the problem of one value. */
type Report = (message: string) => void;

/** Reads one table. A value that is wrong is reported, and its default stands in its place. */
function readNamedPlan(text: string, report: (path: string, message: string) => void): NamedPlan {
  const [name, table] = readTableText(text);
  if (!PLAN_NAME.test(name)) {
    report(name, 'write a name of at most 64 letters, digits, "-" and "_" that begins with a letter');
  }
  for (const key of Object.keys(table)) {
    if ((PLAN_KEYS as readonly string[]).includes(key)) continue;
    report(`${name}.${key}`, `no such key${nearest(key, PLAN_KEYS) || `; they are ${PLAN_KEYS.join(", ")}`}`);
  }
  function read<T>(key: PlanKey, reader: (value: unknown, report: Report) => T | undefined) {
    if (table[key] === undefined) return undefined;
    return reader(table[key], (message) => report(`${name}.${key}`, message));
  }
  if (table["steps"] === undefined && name !== DEFAULT_PLAN) {
    report(`${name}.steps`, 'this key is missing; write the steps, such as ["1%:10m", "100%:1d"]');
  }
  return {
    name,
    plan: read("steps", readSteps) ?? (parsePlan(DEFAULT_STEPS) as Plan),
    inconclusive: read("inconclusive", wordReader(["pause", "abort"])) ?? "pause",
    windows: read("windows", readWindows) ?? [],
    slowMs: read("slow", readSlow) ?? [],
    events: read("events", readEvents) ?? {},
    failsafe: read("failsafe", wordReader(["master", "hold"])) ?? "master",
    offset: read("offset", readOffset),
  };
}

/** Reads a list of steps, or the whole line. A column is within the step, or within the line. */
function readSteps(value: unknown, report: Report): Plan | undefined {
  const parts = textsOf(value, report);
  if (parts === undefined) return undefined;
  const plan = parsePlan(parts.join(","));
  if (!(plan instanceof PlanProblems)) return plan;
  for (const { column, message } of plan.problems) {
    let step = 0;
    let rest = column;
    for (; step < parts.length - 1 && rest > (parts[step] as string).length + 1; step++) {
      rest -= (parts[step] as string).length + 1;
    }
    const place = Array.isArray(value) ? `step ${step + 1}, column ${rest}` : `column ${column}`;
    report(`${place}: ${message}`);
  }
  return undefined;
}

function readWindows(value: unknown, report: Report): readonly Window[] | undefined {
  const texts = textsOf(value, report);
  if (texts !== undefined && texts.length > WINDOWS_MAX) {
    report(`there are ${texts.length} windows; write at most ${WINDOWS_MAX}`);
    return undefined;
  }
  return texts?.flatMap((text) => {
    const window = parseWindow(text);
    if (!(window instanceof Problem)) return [window];
    report(`${quote(text)}: ${window.message}`);
    return [];
  });
}

function readSlow(value: unknown, report: Report): readonly number[] | undefined {
  const texts = textsOf(value, report);
  if (texts === undefined) return undefined;
  if (texts.length > SLOW_MAX) {
    report(`there are ${texts.length} bounds; write at most ${SLOW_MAX}`);
    return undefined;
  }
  const bounds: number[] = [];
  for (const text of texts) {
    const ms = parseDuration(text);
    if (ms instanceof Problem) report(`${quote(text)}: ${ms.message}`);
    else if (!(ms >= SLOW_MS_MIN && ms <= SLOW_MS_MAX)) {
      report(`${quote(text)}: write a duration from 1ms to 10m`);
    } else if (ms <= (bounds.at(-1) ?? 0)) {
      report(`${quote(text)}: write the bounds in ascending order, each once`);
    } else bounds.push(ms);
  }
  return bounds;
}

function readEvents(value: unknown, report: Report): Readonly<Record<string, number>> | undefined {
  const texts = textsOf(value, report);
  if (texts === undefined) return undefined;
  if (texts.length > EVENTS_MAX) {
    report(`there are ${texts.length} events; write at most ${EVENTS_MAX}`);
    return undefined;
  }
  const events: Record<string, number> = Object.create(null);
  let sum = 0;
  for (const text of texts) {
    const [, name = "", part] = EVENT.exec(text) ?? [];
    const weight = Number(part);
    if (!(weight > 0)) {
      report(`${quote(text)}: write a name and its part of the budget, such as "checkout-failed=0.3"`);
    } else if (events[name] !== undefined) report(`${quote(text)}: write each event once`);
    else {
      events[name] = weight;
      sum += weight;
    }
  }
  if (sum > EVENTS_WEIGHT_MAX) report(`the parts of the events are more than ${EVENTS_WEIGHT_MAX} together`);
  return events;
}

function wordReader<T extends string>(words: readonly T[]) {
  return (value: unknown, report: Report): T | undefined => {
    const word = words.find((each) => each === value);
    if (word === undefined) report(`write ${words.map((each) => `"${each}"`).join(" or ")}`);
    return word;
  };
}

function readOffset(value: unknown, report: Report): "random" | number | undefined {
  if (value === "random") return value;
  const isNumber = typeof value === "number" || (typeof value === "string" && /^\d*\.?\d+$/.test(value));
  const offset = isNumber ? Number(value) : Number.NaN;
  if (offset >= 0 && offset < 1 && Math.round(offset * OFFSETS) / OFFSETS === offset) return offset;
  report('write "random", or a number from 0 to 0.999 with at most three decimals');
  return undefined;
}

/** The texts of a list, or the one text of a value. */
function textsOf(value: unknown, report: Report): readonly string[] | undefined {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (values.every((each) => typeof each === "string")) return values;
  report('write a string or a list of strings, in quotes: ["a", "b"]');
  return undefined;
}
