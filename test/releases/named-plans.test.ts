/** Named plans as a configuration file gives them. */

import { describe, expect, test } from "bun:test";
import { type Loaded, loadSettings, Problems } from "../../src/config/load.ts";
import { allOptions } from "../../src/daemon/all-options.ts";
import { DEFAULT_STEPS, type NamedPlan, plans } from "../../src/releases/named-plans.ts";
import { faultsInConfig } from "../support/schema.ts";

const FILE = "/etc/md.toml";

function load(file: string): Loaded | Problems {
  const sources = { argv: ["-config", FILE], environment: {}, readFile: () => file };
  return loadSettings(sources, { options: allOptions(), tables: [plans] });
}

function plansOf(file: string): readonly NamedPlan[] {
  const result = load(file);
  if (result instanceof Problems) throw new Error(result.messages.join("\n"));
  expect(faultsInConfig(file)).toBe("");
  return result.settings.get(plans);
}

function problemsOf(file: string): readonly string[] {
  const result = load(file);
  return result instanceof Problems ? result.messages : [];
}

test("the plan default is there without a file, with the defaults of all keys", () => {
  const result = loadSettings(
    { argv: [], environment: {}, readFile: () => "" },
    { options: allOptions(), tables: [plans] },
  ) as Loaded;
  expect(result.settings.get(plans)).toMatchObject([
    {
      name: "default",
      plan: { text: DEFAULT_STEPS },
      inconclusive: "pause",
      windows: [],
      slowMs: [],
      events: {},
      failsafe: "master",
      offset: undefined,
    },
  ]);
});

test("a table gives all that a plan has", () => {
  const file = `
    region = "eu-west-1"
    [plans.checkout]
    steps = ["1%:10m", "5%:30m+ok", "100%:1d"]
    inconclusive = "abort"
    windows = ["mon-thu 09:00-16:00 Europe/Berlin", "sat 22:00-02:00 UTC"]
    slow = ["400ms", "1s"]
    events = ["checkout-failed=0.3", "login-failed=.05"]
    failsafe = "hold"
    offset = 0.125
    [plans.quick]
    steps = "10%:1m, 100%:1h"
    windows = "mon 09:00-16:00 UTC"
    slow = "1s"
    offset = "random"`;
  expect(plansOf(file).map(({ name }) => name)).toEqual(["default", "checkout", "quick"]);
  expect(plansOf(file)[1]).toMatchObject({
    plan: { text: "1%:10m,5%:30m+ok,100%:1d" },
    inconclusive: "abort",
    windows: [{ zone: "Europe/Berlin" }, { fromMinute: 1_320, toMinute: 120 }],
    slowMs: [400, 1_000],
    events: { "checkout-failed": 0.3, "login-failed": 0.05 },
    failsafe: "hold",
    offset: 0.125,
  });
  expect(plansOf(file)[2]).toMatchObject({
    plan: { text: "10%:1m,100%:1h" },
    slowMs: [1_000],
    offset: "random",
  });
});

test.each([
  ["0", 0],
  ['"0"', 0],
  ['"0.5"', 0.5],
  ["0.999", 0.999],
])("offset = %s", (text, offset) => {
  expect(plansOf(`[plans.default]\noffset = ${text}`)[0]?.offset).toBe(offset);
});

test("a table named default replaces the plan, and keeps its steps if it has none", () => {
  expect(plansOf('[plans.default]\ninconclusive = "abort"')).toMatchObject([
    { name: "default", inconclusive: "abort", plan: { text: DEFAULT_STEPS } },
  ]);
  expect(plansOf('[plans.default]\nsteps = "100%:1h"')).toMatchObject([{ plan: { text: "100%:1h" } }]);
});

test("all problems of all tables are named at once, each with the file and the key", () => {
  const file = `
    delay = 5
    [plans.night]
    step = ["1%:10m"]
    inconclusive = true
    windows = ["mon-thu 09:00-16:00 Europe/Berlim", "x"]
    slow = ["1s", "400ms", "4"]
    failsafe = "hodl"
    offset = 0.1234
    [plans."9x"]
    steps = ["1%:10m", "5%:30", "2%:x+1h", "100%:1d"]
    windows = 5
    [plans.line]
    steps = "1%:10, 100%:1d"`;
  expect(problemsOf(file).map((message) => message.replace(`file ${FILE}: `, "").slice(0, 60))).toEqual([
    "delay: write a string, in quotes",
    "plans.night.step: no such key; did you mean steps?",
    "plans.night.steps: this key is missing; write the steps, suc",
    'plans.night.inconclusive: write "pause" or "abort"',
    'plans.night.windows: "mon-thu 09:00-16:00 Europe/Berlim": "E',
    'plans.night.windows: "x": write days, hours and a zone, such',
    'plans.night.slow: "400ms": write the bounds in ascending ord',
    'plans.night.slow: "4": write a duration with its unit, such ',
    'plans.night.failsafe: write "master" or "hold"',
    'plans.night.offset: write "random", or a number from 0 to 0.',
    'plans.9x: write a name of at most 64 letters, digits, "-" an',
    'plans.9x.steps: step 2, column 4: "30": write a duration wit',
    "plans.9x.steps: step 3, column 1: 2% is less than the step b",
    'plans.9x.steps: step 3, column 4: "x": write a duration such',
    "plans.9x.windows: write a string or a list of strings, in qu",
    'plans.line.steps: column 4: "10": write a duration with its ',
  ]);
});

describe("a value of the wrong kind is refused", () => {
  test.each([
    ["plans = 5", "plans: write tables, each with a name: [plans.NAME]"],
    ['plans = ["a"]', "plans: write tables, each with a name: [plans.NAME]"],
    ['[plans]\nsteps = "100%"', "plans: write tables, each with a name: [plans.NAME]"],
    ["[[plans.a]]", "plans: write tables, each with a name: [plans.NAME]"],
    ["[plans.a]\nsteps = 5", "plans.a.steps: write a string or a list of strings"],
    ['[plans.a]\nsteps = [["100%"]]', "plans.a.steps: write a string or a list of strings"],
    ["[plans.a]\nsteps = []", "plans.a.steps: step 1, column 1: a step is missing here"],
    ["[plans.default]\noffset = nan", "plans.default.offset: write"],
    ["[plans.default]\noffset = 1", "plans.default.offset: write"],
    [
      '[plans.default]\nslow = ["1s","2s","3s","4s"]',
      "plans.default.slow: there are 4 bounds; write at most 3",
    ],
    ['[plans.default]\nslow = "11m"', "write a duration from 1ms to 10m"],
    [
      '[plans.default]\nevents = "a=1"',
      'write a name and its part of the budget, such as "checkout-failed=0.3"',
    ],
    ['[plans.default]\nevents = "a=0"', "write a name and its part of the budget"],
    ['[plans.default]\nevents = "=0.1"', "write a name and its part of the budget"],
    ['[plans.default]\nevents = ["a=0.1", "a=0.2"]', "write each event once"],
    ['[plans.default]\nevents = ["a=0.5", "b=0.5"]', "the parts of the events are more than 0.9 together"],
    [
      '[plans.default]\nevents = ["a=.1","b=.1","c=.1","d=.1","e=.1","f=.1","g=.1","h=.1","i=.1"]',
      "there are 9 events",
    ],
    [
      `[plans.default]\nwindows = [${'"mon 1:00-2:00 UTC",'.repeat(17)}]`,
      "plans.default.windows: there are 17 windows; write at most 16",
    ],
    ["[plan.a]", "plan: no such setting; did you mean plans?"],
  ])("%s", (file, message) => {
    expect(problemsOf(file)).toHaveLength(1);
    expect(problemsOf(file)[0]).toContain(message);
  });
});

test("a mistake in a plan does not stop a command that reads no plans", () => {
  const sources = { argv: ["-config", FILE], environment: {}, readFile: () => "[plans.a]\nsteps = 5" };
  const rules = { options: allOptions(), knownTables: [plans] };
  expect(loadSettings(sources, rules)).not.toBeInstanceOf(Problems);
});

test("neither a flag nor a variable can give a plan", () => {
  const environment = { MAXWELLS_DAEMON_PLANS: "100%:1d" };
  const sources = { argv: ["-plans", "100%:1d"], environment, readFile: () => "" };
  const result = loadSettings(sources, { options: allOptions(), tables: [plans] });
  expect(result).toBeInstanceOf(Problems);
  expect((result as Problems).messages).toHaveLength(2);
});
