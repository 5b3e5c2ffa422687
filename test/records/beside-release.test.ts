/** A person writes the record of a version that has a release: the rules, without a store. */

import { describe, expect, test } from "bun:test";
import { type BesideRelease, besideRelease, releaseUnderWay } from "../../src/records/beside-release.ts";
import { bareFields, type Change, planChange } from "../../src/records/change.ts";
import { remarksOnChange } from "../../src/records/remarks.ts";
import { planRemoval } from "../../src/records/removal.ts";
import { RELEASE, type Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import type { Snapshot } from "../../src/stores/store.ts";
import { releaseOf, STAMP } from "../releases/world.ts";
import { snapshotOf } from "../support/scripted-store.ts";

type Fields = Readonly<Record<string, unknown>>;

function record(changes: Partial<Release> = {}, fields: Fields = {}): Fields {
  const release = releaseOf(changes);
  return { rollout: release.wrote[0], offset: release.wrote[1], release: releaseField(release), ...fields };
}

const PROMOTED = { state: "promoted", step: 4, wrote: [1, 0.25] } as const;
const FADING = { state: "finished", step: 4, wrote: [0.5, 0.25], fade: [1, 0, 600_000] } as const;
const NEWER = { format: 2, state: "running" };

function besideOf(value: unknown, rollout: number, offset?: number): BesideRelease {
  return besideRelease("canary", value, { rollout, offset, why: "INC-42" }, STAMP);
}

/** `under-way raise`, or `follows aborted aborted [0,0.25]`. */
function short(beside: BesideRelease): string {
  if (beside.kind === "under-way") return `under-way ${beside.asked}`;
  if (beside.kind !== "follows") return beside.kind;
  const { state, wrote } = beside.release;
  return `follows ${state} ${beside.notice} ${JSON.stringify(wrote)}`;
}

describe("law 11: a person's rollout", () => {
  test.each<[string, unknown, number, string]>([
    ["0 of a running release", record(), 0, "follows aborted aborted [0,0.25]"],
    ["0 of a paused release", record({ state: "paused" }), 0, "follows aborted aborted [0,0.25]"],
    ["0 of a promoted release", record(PROMOTED), 0, "follows aborted aborted [0,0.25]"],
    ["0 of a release that fades", record(FADING), 0, "follows finished fade-over [0,0.25]"],
    ["0 of a release that is over", record({ state: "aborted", wrote: [0, 0.25] }), 0, "free"],
    ["0 of a record that is malformed", record({}, { rollout: 7 }), 0, "follows aborted aborted [0,0.25]"],
    ["0 after a foreign 0", record({}, { rollout: 0 }), 0, "follows aborted aborted [0,0.25]"],
    ["lower, of a running release", record(), 0.03, "follows paused foreign-change [0.03,0.25]"],
    [
      "lower, of a paused release",
      record({ state: "paused" }),
      0.03,
      "follows paused foreign-change [0.03,0.25]",
    ],
    ["lower, of a promoted release", record(PROMOTED), 0.5, "follows paused foreign-change [0.5,0.25]"],
    ["lower, of a release that fades", record(FADING), 0.1, "follows finished fade-stopped [0.1,0.25]"],
    ["higher, of a running release", record(), 0.06, "under-way raise"],
    ["higher, of a paused release", record({ state: "paused" }), 0.06, "under-way raise"],
    ["higher, of a release that fades", record(FADING), 1, "follows finished fade-stopped [1,0.25]"],
    ["higher, of a release that is over", record({ state: "aborted", wrote: [0, 0.25] }), 1, "free"],
    ["any, of a malformed record", record({}, { rollout: "much" }), 0.01, "under-way raise"],
    ["the same", record(), 0.05, "free"],
    ["without a release", { rollout: 0.5 }, 1, "free"],
    ["of a version without a record", undefined, 1, "free"],
    ["higher, of a newer program", { rollout: 0.1, release: NEWER }, 0.2, "unreadable"],
    ["lower, of a newer program", { rollout: 0.1, release: NEWER }, 0.05, "free"],
    ["above 0, of a newer program", { rollout: 0, release: NEWER }, 0.05, "free"],
    ["higher, of a release that no program can read", { rollout: 0.1, release: 7 }, 0.2, "free"],
  ])("%s", (_, value, rollout, expected) => {
    expect(short(besideOf(value, rollout))).toBe(expected);
  });

  test("does not bring a release to life that another writer has set to 0", () => {
    const beside = besideOf(record({}, { rollout: 0 }), 0.05);
    expect(short(beside)).toBe("follows aborted foreign-zero [0,0.25]");
  });

  test("counts a foreign change that no controller has seen: the rollout of the record is what is lowered", () => {
    expect(short(besideOf(record({}, { rollout: 0.5 }), 0.2))).toBe(
      "follows paused foreign-change [0.2,0.25]",
    );
    expect(short(besideOf(record({}, { rollout: 0.02 }), 0.04))).toBe("under-way raise");
  });

  test("an offset stays as long as the release is under way", () => {
    expect(short(besideOf(record(), 0.05, 0.5))).toBe("under-way offset");
    expect(short(besideOf(record(), 0.03, 0.5))).toBe("under-way offset");
    expect(short(besideOf(record(), 0, 0.5))).toBe("follows aborted aborted [0,0.25]");
    expect(short(besideOf(record({ state: "aborted", wrote: [0, 0.25] }), 0.1, 0.5))).toBe("free");
  });

  test("of any value of a store throws nothing", () => {
    for (const value of [null, [], "x", 7, { release: [] }, { rollout: {}, release: { format: 1 } }]) {
      for (const rollout of [0, 0.5, 1]) expect(typeof short(besideOf(value, rollout))).toBe("string");
    }
  });
});

const change = (part: Partial<Change> = {}): Change => ({
  ...{ application: "app", version: "canary", rollout: 0, offset: undefined, failsafe: undefined },
  ...{ expect: undefined, isNew: false, mayOverlap: false },
  signature: { author: "ada@web1", at: new Date("2026-01-02T03:04:05.006Z"), why: "INC-42" },
  ...part,
});

const snapshot = (value: unknown): Snapshot => snapshotOf({ canary: value });

describe("a plan", () => {
  test("changes the rollout and the release in one write, and puts the failsafe back", () => {
    const promoted = { ...PROMOTED, failsafe: "hold", was: "master" } as const;
    const plan = planChange(change(), snapshot(record(promoted, { failsafe: "hold" })), true, STAMP);
    if (plan.kind !== "write") throw new Error(plan.kind);
    expect(plan.fields).toMatchObject({
      ...{ rollout: 0, failsafe: "master", why: "INC-42" },
      release: { state: "aborted", reason: "INC-42", seq: 5, tx: STAMP.tx },
    });
    expect(plan.after).toMatchObject({ rollout: 0, failsafe: "master", offset: 0.25 });
    const own = planChange(change({ failsafe: "hold" }), snapshot(record(promoted)), true, STAMP);
    expect(own).toMatchObject({ kind: "write", fields: { failsafe: "hold" } });
  });

  test("mends a malformed record on the way down", () => {
    const value = record({}, { rollout: "much", offset: 9, failsafe: "x" });
    const plan = planChange(change(), snapshot(value), true, STAMP);
    expect(plan).toMatchObject({
      kind: "write",
      fields: { rollout: 0, offset: 0.25, failsafe: "master", release: { state: "aborted" } },
    });
  });

  test("of 0 is written although the rollout is 0 already, if no controller has aborted the release yet", () => {
    const value = record({}, { rollout: 0 });
    expect(planChange(change(), snapshot(value), true, STAMP).kind).toBe("write");
  });

  test("has no log and no past if the store refuses the size, but only for the end of a release", () => {
    const plan = planChange(change(), snapshot(record()), false, STAMP);
    if (plan.kind !== "write") throw new Error(plan.kind);
    const fields = bareFields(plan);
    expect(fields).toMatchObject({ rollout: 0, release: { state: "aborted", log: [], arcs: [] } });
    expect(fields).toHaveProperty("history", undefined);
    const lower = planChange(change({ rollout: 0.03 }), snapshot(record()), false, STAMP);
    expect(lower.kind === "write" && bareFields(lower)).toBeUndefined();
    const free = planChange(change({ rollout: 0.03 }), snapshot(0.5), false, undefined);
    expect(free.kind === "write" && bareFields(free)).toBeUndefined();
  });

  test("with the same rollout and another failsafe leaves the release alone", () => {
    const plan = planChange(change({ rollout: 0.05, failsafe: "hold" }), snapshot(record()), true, STAMP);
    expect(plan.kind === "write" && RELEASE in plan.fields).toBe(false);
    expect(plan).toMatchObject({ kind: "write", fields: { failsafe: "hold" } });
  });

  test("of a removal is refused while the release is under way, also with force", () => {
    const { application, version, expect: expected, signature } = change();
    const removal = { application, version, expect: expected, signature, isForced: true };
    expect(planRemoval(removal, snapshot(record()), true)).toMatchObject({
      kind: "refused",
      refusal: { code: "under-way", asked: "remove" },
    });
    for (const over of [record({ state: "aborted", wrote: [0, 0.25] }), record({}, { rollout: 0 })]) {
      expect(planRemoval(removal, snapshot(over), true).kind).toBe("remove");
    }
  });
});

test("a release is under way until it is over, or another writer has set it to 0", () => {
  expect(releaseUnderWay("canary", record())?.id).toBe(7);
  expect(releaseUnderWay("canary", record(PROMOTED))?.id).toBe(7);
  for (const value of [record(FADING), record({}, { rollout: 0 }), { rollout: 0.1, release: NEWER }, 0.5]) {
    expect(releaseUnderWay("canary", value)).toBeUndefined();
  }
});

test("another version with visitors holds a release, unless the release is promoted", () => {
  const kinds = (canary: unknown, version: string, rollout: number) => {
    const arc = { version, rollout, offset: 0, failsafe: "master" } as const;
    const records = snapshotOf({ canary, blue: 0 });
    return remarksOnChange(change({ version, rollout }), null, arc, records).filter(
      ({ kind }) => kind === "holds-release",
    );
  };
  expect(kinds(record(), "blue", 0.1)).toEqual([{ kind: "holds-release", of: "canary", id: 7 }]);
  expect(kinds(record({ state: "paused" }), "blue", 0.1)).toHaveLength(1);
  expect(kinds(record(PROMOTED), "blue", 0.1)).toEqual([]);
  expect(kinds(record(), "blue", 0)).toEqual([]);
  expect(kinds(record(), "maintenance", 1)).toEqual([]);
  expect(kinds(record(), "canary", 0.03)).toEqual([]);
});
