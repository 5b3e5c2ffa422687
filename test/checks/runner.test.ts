/** The runner of checks: when it asks, what it keeps, and when it stops. */

import { expect, test } from "bun:test";
import type { Answer, Check, Subject } from "../../src/checks/check-kind.ts";
import type { NamedCheck } from "../../src/checks/named-checks.ts";
import { PLACES_OF_CHECK_MAX } from "../../src/checks/places.ts";
import { CheckRunner, type Harm } from "../../src/checks/runner.ts";
import { SUBJECT } from "../support/checks.ts";
import { KeptLog } from "../support/logged.ts";
import { ManualTime, settled } from "../support/manual-time.ts";

const PASSED: Answer = { kind: "passed", why: "the query gives 0.001" };
const WAITING: Answer = { kind: "waiting", why: "the query gives 0.02" };
const HARM: Answer = { kind: "harm", why: "the query gives 0.08" };
const SILENT: Answer = { kind: "unknown", why: "http://p does not answer" };

/** A check that answers as the test says, and remembers who asked. */
class Scripted implements Check {
  answer: Answer | (() => Promise<Answer>) = PASSED;
  readonly asked: { readonly subject: Subject; readonly signal: AbortSignal; readonly atMs: number }[] = [];
  readonly #time: ManualTime;

  constructor(time: ManualTime) {
    this.#time = time;
  }

  evaluate(subject: Subject, signal: AbortSignal): Promise<Answer> {
    this.asked.push({ subject, signal, atMs: this.#time.nowMs });
    return typeof this.answer === "function" ? this.answer() : Promise.resolve(this.answer);
  }

  settings(more: Partial<NamedCheck> = {}): NamedCheck {
    return {
      ...{ name: "load", kind: "scripted", target: "http://p", everyMs: 30_000, timeoutMs: 10_000 },
      ...{ harmAfter: 2, create: () => this, ...more },
    };
  }
}

function setUp(more: Partial<NamedCheck> = {}) {
  const time = new ManualTime();
  const check = new Scripted(time);
  const log = new KeptLog();
  const harms: Harm[] = [];
  const runner = new CheckRunner({
    ...{ checks: [check.settings(more)], environment: {}, clock: time.clock, timers: time, log },
    onHarm: (harm) => harms.push(harm),
  });
  const told = () => runner.told("website", "canary").map(({ sentence }) => sentence);
  const answers = () => Object.fromEntries(runner.answers(SUBJECT));
  return { time, check, log, harms, runner, told, answers };
}

const never = () => new Promise<Answer>(() => {});

test("a daemon without a release that waits for a check asks nothing and has no timer", async () => {
  const { time, check, runner } = setUp();
  runner.follow(SUBJECT, []);
  await time.pass(3_600_000);
  expect(check.asked).toEqual([]);
  expect(time.waiting).toBe(0);
});

test("it asks at once, and then every interval from the beginning of an evaluation", async () => {
  const { time, check, runner, answers } = setUp();
  runner.follow(SUBJECT, ["load"]);
  expect(answers()).toEqual({});
  await settled();
  expect(answers()).toEqual({ load: true });
  check.answer = WAITING;
  await time.pass(29_999);
  expect(answers()).toEqual({ load: true });
  await time.pass(1);
  expect(answers()).toEqual({ load: false });
  await time.pass(60_000);
  expect(check.asked.map(({ atMs }) => atMs)).toEqual([1_000, 31_000, 61_000, 91_000]);
  expect(check.asked[0]?.subject).toEqual(SUBJECT);
});

test("a look at the same state changes nothing, another state begins without answers", async () => {
  const { time, check, runner, answers } = setUp();
  runner.follow(SUBJECT, ["load"]);
  await settled();
  for (let i = 0; i < 10; i++) runner.follow({ ...SUBJECT }, ["load"]);
  await time.pass(10);
  expect(check.asked).toHaveLength(1);
  check.answer = never;
  const next = { ...SUBJECT, seq: 5, step: 3 };
  runner.follow(next, ["load"]);
  await time.pass(10);
  expect(check.asked).toHaveLength(2);
  expect(answers()).toEqual({});
  expect(runner.answers(next).size).toBe(0);
  runner.follow(SUBJECT, []);
  check.answer = PASSED;
  runner.follow(SUBJECT, ["load"]);
  await settled();
  expect(answers()).toEqual({ load: true });
  for (const other of [{ key: "another" }, { seq: 5 }, { version: "other" }, { application: "other" }]) {
    expect(runner.answers({ ...SUBJECT, ...other }).size).toBe(0);
  }
});

test("an answer that comes after its step has ended counts nowhere", async () => {
  const { time, check, log, harms, runner } = setUp({ harmAfter: 1 });
  let answer: (answer: Answer) => void = () => {};
  check.answer = () => new Promise((resolve) => (answer = resolve));
  runner.follow(SUBJECT, ["load"]);
  const next = { ...SUBJECT, seq: 5 };
  const first = answer;
  runner.follow(next, ["load"]);
  expect(check.asked[0]?.signal.aborted).toBe(true);
  first(HARM);
  await time.pass(10);
  expect(runner.answers(next).size).toBe(0);
  expect({ harms, log: log.entries }).toEqual({ harms: [], log: [] });
  answer(PASSED);
  await time.pass(60_000);
  // The old one asks no more.
  expect(check.asked.map(({ subject }) => subject.seq)).toEqual([4, 5, 5]);
});

test("forget ends the evaluation and all timers", async () => {
  const { time, check, runner, told, answers } = setUp();
  check.answer = never;
  runner.follow(SUBJECT, ["load"]);
  runner.forget("website", "canary");
  expect(check.asked[0]?.signal.aborted).toBe(true);
  expect(time.waiting).toBe(0);
  expect(told()).toEqual([]);
  expect(answers()).toEqual({});
  runner.forget("website", "other");
});

test("forget gives up a wait for a place", async () => {
  const { check, runner } = setUp();
  const ends: ((answer: Answer) => void)[] = [];
  check.answer = () => new Promise((resolve) => ends.push(resolve));
  for (let i = 0; i < PLACES_OF_CHECK_MAX; i++) {
    runner.follow({ ...SUBJECT, application: `other${i}` }, ["load"]);
  }
  runner.follow(SUBJECT, ["load"]);
  runner.forget("website", "canary");
  for (const end of ends) end(PASSED);
  await settled();
  expect(check.asked).toHaveLength(PLACES_OF_CHECK_MAX);
});

test("close ends everything, and nothing begins after it", async () => {
  const { time, check, runner } = setUp();
  runner.follow(SUBJECT, ["load"]);
  runner.follow({ ...SUBJECT, application: "shop" }, ["load"]);
  await settled();
  runner.close();
  runner.follow(SUBJECT, ["load"]);
  expect(time.waiting).toBe(0);
  await time.pass(3_600_000);
  expect(check.asked).toHaveLength(2);
});

test("an unknown answer is not there, holds the release, and the log says so each time", async () => {
  const { time, check, log, runner, answers, told } = setUp();
  runner.follow(SUBJECT, ["load"]);
  await settled();
  check.answer = SILENT;
  await time.pass(60_000);
  expect(answers()).toEqual({});
  expect(told()).toEqual(["check load is unknown: http://p does not answer"]);
  expect(log.at("warn")).toHaveLength(2);
  expect(log.at("warn")[0]).toMatchObject({
    message: "a check gives no answer, so the release does not go on",
    fields: { application: "website", version: "canary", release: 7, step: 2, check: "load" },
  });
});

test("the log has a line when a check begins to pass or to wait, and none for the same again", async () => {
  const { time, check, log, runner } = setUp();
  runner.follow(SUBJECT, ["load"]);
  await time.pass(60_000);
  check.answer = WAITING;
  await time.pass(60_000);
  expect(log.entries.map(({ message }) => message)).toEqual(["a check passed", "a check has not passed"]);
});

test("an evaluation has a time limit; one that does not obey it is unknown soon after", async () => {
  const { time, check, runner, told } = setUp();
  check.answer = never;
  runner.follow(SUBJECT, ["load"]);
  await time.pass(9_999);
  expect(check.asked[0]?.signal.aborted).toBe(false);
  await time.pass(1);
  expect(check.asked[0]?.signal.aborted).toBe(true);
  expect(told()).toEqual(["check load is unknown: it has not answered yet"]);
  await time.pass(1_000);
  expect(told()).toEqual(["check load is unknown: no whole answer within 10 s"]);
  await time.pass(3_600_000);
  // It still holds its place, so it is not asked again.
  expect(check.asked).toHaveLength(1);
});

test("an answer that is older than three intervals is unknown, while others hold all places", async () => {
  const { time, check, runner } = setUp();
  runner.follow(SUBJECT, ["load"]);
  await settled();
  check.answer = never;
  for (let i = 0; i < PLACES_OF_CHECK_MAX; i++) {
    runner.follow({ ...SUBJECT, application: `other${i}` }, ["load"]);
  }
  await time.pass(90_000);
  expect(runner.answers(SUBJECT).get("load")).toBe(true);
  expect(runner.told("website", "canary")).toMatchObject([{ kind: "passed", ageMs: 90_000 }]);
  await time.pass(1);
  expect(runner.answers(SUBJECT).size).toBe(0);
  expect(runner.told("website", "canary")).toMatchObject([
    { kind: "unknown", sentence: "check load is unknown: its last answer is 90 s old" },
  ]);
});

test("at most some evaluations of one check run at once, and each gets its turn", async () => {
  const { time, check, runner } = setUp();
  let running = 0;
  let most = 0;
  check.answer = async () => {
    most = Math.max(most, ++running);
    await settled();
    running--;
    return PASSED;
  };
  const subjects = Array.from({ length: 100 }, (_, i) => ({ ...SUBJECT, application: `a${i}` }));
  for (const subject of subjects) runner.follow(subject, ["load"]);
  for (let i = 0; i < 50; i++) await settled();
  await time.pass(1);
  expect(most).toBe(PLACES_OF_CHECK_MAX);
  expect(subjects.every((subject) => runner.answers(subject).get("load") === true)).toBe(true);
});

test("harm is a verdict after two answers in a row, once, and then nothing is asked", async () => {
  const { time, check, harms, log, runner, answers, told } = setUp();
  check.answer = HARM;
  runner.follow(SUBJECT, ["load"]);
  await settled();
  expect(harms).toEqual([]);
  expect(told()).toEqual(["check load has not passed: the query gives 0.08; this is 1 of 2 in a row"]);
  await time.pass(3_600_000);
  expect(harms).toEqual([
    {
      subject: SUBJECT,
      name: "load",
      why: "check load says harm: the query gives 0.08, 2 times in a row",
    },
  ]);
  expect(answers()).toEqual({ load: false });
  expect(told()).toEqual([harms[0]?.why ?? ""]);
  expect(check.asked).toHaveLength(2);
  expect(time.waiting).toBe(0);
  expect(log.at("warn")).toHaveLength(1);
});

test("a bug in a check, or in the receiver of a verdict, throws nowhere", async () => {
  const time = new ManualTime();
  const check = new Scripted(time);
  const log = new KeptLog();
  const runner = new CheckRunner({
    ...{ checks: [check.settings({ harmAfter: 1 })], environment: {}, clock: time.clock, timers: time, log },
    onHarm() {
      throw new Error("full");
    },
  });
  check.answer = () => Promise.reject(new TypeError("secret"));
  runner.follow(SUBJECT, ["load"]);
  await settled();
  expect(runner.told("website", "canary")[0]?.sentence).toBe(
    "check load is unknown: it failed in this program: TypeError",
  );
  check.answer = HARM;
  await time.pass(30_000);
  expect(log.at("error")).toMatchObject([{ fields: { error: "full" } }]);
});

test("a name that no table has is unknown, and says what to add; the log says so once for a step", async () => {
  const { runner, answers, log } = setUp();
  runner.follow(SUBJECT, ["load", "smoke", "p99.load"]);
  await settled();
  expect(answers()).toEqual({ load: true });
  expect(runner.told("website", "canary")).toMatchObject([
    { name: "load", kind: "passed", sentence: "check load passed: the query gives 0.001", ageMs: 0 },
    {
      ...{ name: "smoke", kind: "unknown", ageMs: undefined },
      sentence: "this daemon has no check named smoke; add [checks.smoke] to its configuration file",
    },
    {
      name: "p99.load",
      sentence: 'this daemon has no check named p99.load; add [checks."p99.load"] to its configuration file',
    },
  ]);
  runner.follow(SUBJECT, ["load", "smoke", "p99.load"]);
  expect(log.at("warn")).toMatchObject([
    { fields: { application: "website", check: "smoke", error: expect.stringContaining("[checks.smoke]") } },
    { fields: { application: "website", check: "p99.load" } },
  ]);
});
