import { expect, test } from "bun:test";
import { FREEZE, freezeFields, freezeIn } from "../../src/verbs/freeze.ts";

const AT = new Date("2026-11-29T12:00:00.000Z");

const snapshotOf = (value: unknown) => new Map([[FREEZE.version, { value, revision: "1" }]]);

test("REL-17: a freeze has rollout 0, its author, its time and its reason", () => {
  const fields = freezeFields(true, "ada@web-1", AT, "Black Friday");
  expect(fields.rollout).toBe(0);
  expect(freezeIn(snapshotOf(fields))).toEqual({
    ...{ isFrozen: true, by: "ada@web-1", at: AT.toISOString(), why: "Black Friday" },
  });
  expect(freezeIn(snapshotOf(freezeFields(false, "ada@web-1", AT, undefined))).isFrozen).toBe(false);
});

test.each([[undefined], [null], [0.5], ["true"], [[]], [{ frozen: "yes" }], [{ rollout: 1 }]])(
  "a record of another shape, %j, freezes nothing",
  (value) => {
    expect(freezeIn(snapshotOf(value)).isFrozen).toBe(false);
    expect(freezeIn(new Map()).isFrozen).toBe(false);
  },
);
