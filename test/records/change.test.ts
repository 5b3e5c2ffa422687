/** The rules of writing a rollout, tested by plans, without a store or a command line. */

import { expect, test } from "bun:test";
import { type Change, isDown, type Plan, planChange } from "../../src/records/change.ts";
import { planRemoval } from "../../src/records/removal.ts";
import type { Snapshot } from "../../src/stores/store.ts";

const signature = { author: "ada@web1", at: new Date("2026-01-02T03:04:05.006Z"), why: "INC-42" };

function change(part: Partial<Change>): Change {
  return {
    application: "app",
    version: "canary",
    rollout: 0.1,
    offset: undefined,
    failsafe: undefined,
    expect: undefined,
    isNew: false,
    mayOverlap: false,
    signature,
    ...part,
  };
}

function snapshot(records: Readonly<Record<string, unknown>>): Snapshot {
  return new Map(Object.entries(records).map(([version, value]) => [version, { value, revision: "7" }]));
}

function codeOf(plan: Plan): string {
  return plan.kind === "refused" ? plan.refusal.code : plan.kind;
}

test.each<[string, Partial<Change>, Record<string, unknown>, string]>([
  ["a record that is there", {}, { canary: 0.5 }, "write"],
  ["the same rollout", { rollout: 0.5 }, { canary: 0.5 }, "same"],
  ["the same rollout with another offset", { rollout: 0.5, offset: 0.5 }, { canary: 0.5 }, "write"],
  ["an application without records", {}, {}, "no-application"],
  ["an application without records, as new", { isNew: true }, {}, "write"],
  ["a version that is not there", { version: "canray" }, { canary: 0.5 }, "no-version"],
  ["a version that is not there at 0", { version: "canray", rollout: 0 }, { canary: 0.5 }, "no-version"],
  ["maintenance that is not there", { version: "maintenance", rollout: 1 }, { canary: 0.5 }, "write"],
  [
    "maintenance of an application that is not there",
    { version: "maintenance", rollout: 1 },
    {},
    "no-application",
  ],
  ["the rollout that is expected", { expect: 0.5 }, { canary: 0.5 }, "write"],
  ["another rollout than expected", { expect: 0.4 }, { canary: 0.5 }, "unexpected"],
  ["a malformed record", {}, { canary: "much" }, "write"],
  ["a record that stays malformed", {}, { canary: { rollout: 0.5, offset: 7 } }, "still-malformed"],
  ["an overlap", { version: "blue" }, { canary: 0.5, blue: 0 }, "overlap"],
  ["an overlap that is allowed", { version: "blue", mayOverlap: true }, { canary: 0.5, blue: 0 }, "write"],
  ["a change that makes an overlap smaller", { version: "blue" }, { canary: 0.5, blue: 0.3 }, "write"],
  [
    "an overlap between other versions",
    {},
    { canary: 0, blue: { rollout: 0.3, offset: 0.5 }, red: { rollout: 0.3, offset: 0.5 } },
    "write",
  ],
])("%s", (_, part, records, code) => {
  expect(codeOf(planChange(change(part), snapshot(records), false, undefined))).toBe(code);
});

test("a plan has only the fields that change, with author, time and reason, and keeps the past in the record", () => {
  const there = { rollout: 0.5, offset: 0.25, note: "kept", updatedBy: "bob", history: [{ rollout: 0.2 }] };
  const plan = planChange(change({ failsafe: "hold" }), snapshot({ canary: there }), false, undefined);
  if (plan.kind !== "write") throw new Error(plan.kind);
  expect(plan.expected).toBe("7");
  expect(plan.fields).toEqual({
    rollout: 0.1,
    failsafe: "hold",
    updatedBy: "ada@web1",
    updatedAt: "2026-01-02T03:04:05.006Z",
    why: "INC-42",
    history: [{ rollout: 0.5, offset: 0.25, updatedBy: "bob" }, { rollout: 0.2 }],
  });
  expect(plan.after).toMatchObject({ rollout: 0.1, offset: 0.25, failsafe: "hold" });
  const remembered = planChange(change({}), snapshot({ canary: there }), true, undefined);
  expect(remembered.kind === "write" && "history" in remembered.fields).toBe(false);
});

test("a change that takes visitors back does not give way to another writer, unless it has `expect`", () => {
  expect(isDown(change({ rollout: 0 }))).toBe(true);
  expect(isDown(change({ rollout: 0, expect: 0.5 }))).toBe(false);
  expect(isDown(change({ rollout: 0.01 }))).toBe(false);
  expect(isDown(change({ version: "maintenance", rollout: 1 }))).toBe(true);
  expect(isDown(change({ version: "maintenance", rollout: 0 }))).toBe(false);
});

test("if the engine keeps a history, a removal first writes its author and reason", () => {
  const removal = { application: "app", version: "canary", expect: undefined, isForced: false, signature };
  const over = snapshot({ canary: { rollout: 0, note: 1 } });
  expect(planRemoval(removal, over, false)).toMatchObject({
    kind: "remove",
    expected: "7",
    farewell: undefined,
  });
  expect(planRemoval(removal, over, true)).toMatchObject({
    kind: "remove",
    farewell: { rollout: 0, updatedBy: "ada@web1", why: "INC-42" },
  });
  expect(planRemoval(removal, snapshot({ canary: 0.1 }), true)).toMatchObject({
    refusal: { code: "in-use" },
  });
  expect(planRemoval({ ...removal, isForced: true }, snapshot({ canary: 0.1 }), true).kind).toBe("remove");
  expect(planRemoval({ ...removal, expect: 0.5 }, over, true)).toMatchObject({
    refusal: { code: "unexpected" },
  });
  expect(planRemoval({ ...removal, version: "x" }, over, true)).toMatchObject({
    refusal: { code: "no-version" },
  });
});
