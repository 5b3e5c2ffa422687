/** Transitions of releases in a history: each once, whether the engine keeps a history or not. */

import { describe, expect, test } from "bun:test";
import { readHistory, type ShownChange, withPast } from "../../src/records/history.ts";
import { move } from "../../src/releases/machine.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import type { Request } from "../../src/releases/request.ts";
import type { PastRecord, Store } from "../../src/stores/store.ts";
import { nowIn } from "../../src/verbs/look.ts";
import { BEGAN_MS, START } from "../releases/world.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The record of one version, with all of its states, the newest first. */
class Written {
  states: Fields[] = [];
  readonly #keepsHistory: boolean;
  #nowMs = BEGAN_MS;

  /** @param keepsHistory whether the engine does, so that the record need not */
  constructor(keepsHistory: boolean) {
    this.#keepsHistory = keepsHistory;
  }

  get now(): Fields {
    return this.states[0] ?? {};
  }

  /** A verb, written as `carryOut` writes it. */
  ask(request: Request, author: string, why?: string): void {
    this.#nowMs += 60_000;
    const record = this.states.length === 0 ? [] : [["canary", { value: this.now, revision: "" }] as const];
    const stamp = { nowMs: this.#nowMs, tx: START.key, author };
    const outcome = move(nowIn(new Map(record), "canary"), request, stamp);
    if (outcome.kind !== "write" || outcome.release === null) throw new Error(JSON.stringify(outcome));
    const { rollout, offset, release } = outcome;
    this.write({ rollout, offset, release: releaseField(release), why }, author);
  }

  write(changes: Fields, updatedBy: string, isByTool = false): void {
    const isKept = !this.#keepsHistory && this.states.length > 0 && !isByTool;
    const past = isKept ? { history: withPast(this.now) } : {};
    const signed = isByTool ? {} : { updatedBy, updatedAt: new Date(this.#nowMs).toISOString() };
    const state = { ...this.now, ...signed, ...changes, ...past };
    this.states = [JSON.parse(JSON.stringify(state)), ...this.states];
  }

  async changes(limit = 20): Promise<ShownChange[]> {
    const past: PastRecord[] = this.states.map((value) => ({ version: "canary", value }));
    const store: Store = {
      address: "here",
      read: async () => new Map([["canary", { value: this.now, revision: "1" }]]),
      close: async () => {},
      ...(this.#keepsHistory ? { history: async () => past } : {}),
    };
    return readHistory(store, "website", undefined, limit, AbortSignal.timeout(1_000));
  }
}

const RELEASE: Request = {
  ...{ verb: "release", replace: false, seenKey: null, reason: undefined },
  start: START,
};
const PROMOTE: Request = {
  ...{ verb: "promote", pin: { key: START.key, step: 1 }, to: undefined, resume: false },
};
const ABORT: Request = { verb: "abort", key: undefined, reason: "INC-42" };

const told = (changes: readonly ShownChange[]) =>
  changes.map(({ rollout, updatedBy, why, release }) => [rollout, updatedBy, why, release?.sentence]);

const ALL = [
  [0, "ada@web-1", "INC-42", "release 8 of website aborted at step 2/4: canary 5% → 0%"],
  [0.05, "web-1", undefined, "release 8 of website: step 2/4, canary 1% → 5% for 30m+ok"],
  [...[0.01, "ada@web-1", undefined], "release 8 of website (v43) started: step 1/4, canary 0% → 1% for 10m"],
  [0, "bob@web-1", "prepare", undefined],
];

describe.each([
  ["keeps a history", true],
  ["keeps none", false],
])("in an engine that %s", (_, keepsHistory) => {
  function released(): Written {
    const written = new Written(keepsHistory);
    written.write({ rollout: 0, why: "prepare" }, "bob@web-1");
    written.ask(RELEASE, "ada@web-1");
    written.ask(PROMOTE, "web-1");
    return written;
  }

  test("each transition is one line, with its sentence, its author and its reason", async () => {
    const written = released();
    written.ask(ABORT, "ada@web-1", "INC-42");
    const changes = await written.changes();
    expect(told(changes)).toEqual(ALL);
    expect(changes[1]?.release).toMatchObject({
      ...{ id: 8, key: START.key, seq: 2, of: "v43", state: "running", step: 2 },
    });
  });

  test("the limit counts lines, and the newest stay", async () => {
    const written = released();
    written.ask(ABORT, "ada@web-1", "INC-42");
    expect(told(await written.changes(2))).toEqual(ALL.slice(0, 2));
  });

  test("a change of the failsafe beside the release is not the transition again", async () => {
    const written = released();
    written.write({ failsafe: "hold", why: "careful" }, "bob@web-1");
    const [newest, ...others] = told(await written.changes());
    expect(newest).toEqual([0.05, "bob@web-1", "careful", undefined]);
    expect(others).toEqual(ALL.slice(1));
  });

  test("a rollout that a person wrote with a tool hides no transition", async () => {
    const written = released();
    written.write({ rollout: 0.03 }, "", true);
    const sentences = told(await written.changes()).map(([rollout, , , sentence]) => [rollout, sentence]);
    expect(sentences).toContainEqual([0.03, undefined]);
    for (const [rollout, , , sentence] of ALL.slice(1)) expect(sentences).toContainEqual([rollout, sentence]);
    expect(sentences).toHaveLength(4);
  });

  test("the next release does not hide the one before", async () => {
    const written = released();
    written.ask(ABORT, "ada@web-1", "INC-42");
    const start = { ...START, key: "a".repeat(24), id: 9 };
    written.ask({ ...RELEASE, start, seenKey: START.key }, "ada@web-1");
    const changes = await written.changes();
    expect(changes.map(({ rollout }) => rollout)).toEqual([0.01, 0, 0.05, 0.01, 0]);
    expect(changes[0]?.release?.id).toBe(9);
    // A record keeps the log of one release only, but all rollouts, authors and reasons.
    if (keepsHistory) expect(told(changes).slice(1)).toEqual(ALL);
  });
});

test("an engine with a history still knows why a release was paused, after it has gone on", async () => {
  const written = new Written(true);
  written.ask(RELEASE, "ada@web-1");
  written.write({ rollout: 0.005 }, "", true);
  written.ask({ verb: "foreign", key: START.key }, "web-1");
  written.write({ rollout: 0.01 }, "", true);
  written.ask({ verb: "resume", pin: { key: START.key, step: 1 } }, "ada@web-1");
  const sentences = (await written.changes()).map(({ release }) => release?.sentence ?? "");
  expect(sentences.filter((each) => each.includes("paused at step 1/4 by another writer"))).toHaveLength(1);
});

test("a transition that the record's own list has lost is told from the log of the release", async () => {
  const written = new Written(false);
  written.ask(RELEASE, "ada@web-1");
  written.ask(PROMOTE, "web-1");
  const { history: _, ...forgetful } = written.now;
  written.states = [forgetful];
  const changes = await written.changes();
  expect(told(changes).map(([, , , sentence]) => sentence)).toEqual([ALL[1]?.[3], ALL[2]?.[3]]);
  expect(changes.map(({ offset }) => offset)).toEqual([START.offset, START.offset]);
});

test("the start is at its own offset, also if a tool has written a rollout over it", async () => {
  const written = new Written(false);
  written.ask(RELEASE, "ada@web-1");
  written.write({ rollout: 0.03 }, "", true);
  expect((await written.changes()).map(({ rollout, offset }) => [rollout, offset])).toEqual([
    [0.03, START.offset],
    [0.01, START.offset],
  ]);
});

test("hostile values are a history too", async () => {
  const written = new Written(true);
  written.states = [7, null, { release: [] }, { release: { key: 1 } }, { transition: 4 }] as never;
  expect(await written.changes()).toHaveLength(5);
});
