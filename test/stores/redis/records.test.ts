import { expect, test } from "bun:test";
import { changeOf, rawRecords, recordOf, snapshotOf } from "../../../src/stores/redis/records.ts";

test("a hash becomes records, in whatever order its fields lie", () => {
  const flat = ["blue:offset", "0.5", "canary", "0.25", "blue", "0.1", "canary:failsafe", "hold"];
  const snapshot = snapshotOf(rawRecords(flat) ?? new Map());
  expect(snapshot.get("canary")?.value).toEqual({ rollout: 0.25, failsafe: "hold" });
  expect(snapshot.get("blue")?.value).toEqual({ rollout: 0.1, offset: 0.5 });
});

test.each([undefined, null, 1, "OK", ["canary"], ["canary", null], ["canary", ["0"]], [1, 2]])(
  "%j is no hash",
  (flat) => {
    expect(rawRecords(flat)).toBeUndefined();
  },
);

test.each([
  ["0.25", 0.25],
  ["hold", "hold"],
  ['"0.25"', "0.25"],
  [".25", ".25"],
  ["25%", "25%"],
  ["", ""],
  ["NaN", "NaN"],
  ["[1,{}]", [1, {}]],
])("the text %j means %j", (text, value) => {
  expect(recordOf("v", new Map([["v:x", text]])).value).toEqual({ x: value });
});

test.each([0.25, 1, "hold", "0.25", "true", "", "null", '"x"', "[", { a: [1, "b", null] }, null, true])(
  "%j comes back as it was written",
  (value) => {
    const { sets } = changeOf("v", new Map(), { rollout: 0.5, field: value }, 1);
    expect(recordOf("v", new Map(sets)).value).toEqual({ rollout: 0.5, field: value });
  },
);

test.each([
  ["7", "8"],
  ["-3", "1"],
  ["much", "1"],
  ["9007199254740993", "1"],
])("the count of writes goes on from %j with %j, and no field can set it", (before, next) => {
  const raw = new Map([["v:revision", before]]);
  const { sets } = changeOf("v", raw, { rollout: 0, revision: 99 }, 1_000);
  expect(sets).toEqual([
    ["v:revision", next],
    ["v", "0"],
  ]);
});

test("the count of a new record begins with the time, and that of one made by hand with 1", () => {
  expect(changeOf("v", new Map(), { rollout: 0 }, 1_000).sets[0]).toEqual(["v:revision", "1000"]);
  expect(changeOf("v", new Map([["v", "0.5"]]), { rollout: 0 }, 1_000).sets[0]).toEqual(["v:revision", "1"]);
});

test("a revision changes with any byte, and not with the order", () => {
  const of = (...entries: [string, string][]) => recordOf("v", new Map(entries)).revision;
  const revision = of(["v", "0.5"], ["v:a", "1"]);
  expect(of(["v:a", "1"], ["v", "0.5"])).toBe(revision);
  expect(of(["v", "0.50"], ["v:a", "1"])).not.toBe(revision);
  expect(of(["v", "0.5"], ["v:a", "1"], ["v:revision", "1"])).not.toBe(revision);
  expect(of(["v", "0.5"])).not.toBe(revision);
});

test("names that JavaScript knows better are names like any other", () => {
  const record = recordOf(
    "v",
    new Map([
      ["v:__proto__", "1"],
      ["v:toString", "2"],
    ]),
  );
  expect(Object.entries(record.value as object)).toEqual([
    ["__proto__", 1],
    ["toString", 2],
  ]);
});

const OVER = { key: "k", state: "aborted", of: "v42", seq: 9 };
const REST = { log: [[1, 2, "running", 1, 0.5, "ada"]], arcs: [[1, 0.5, 0]] };

test("a release that is over is in two fields, and comes back as one", () => {
  const { sets, removes } = changeOf("v", new Map(), { rollout: 0, release: { ...REST, ...OVER } }, 1);
  expect(sets.slice(1)).toEqual([
    ["v", "0"],
    ["v:release", JSON.stringify(OVER)],
    ["v:release:rest", JSON.stringify(REST)],
  ]);
  expect(removes).toEqual(["v:rollout"]);
  expect(recordOf("v", new Map(sets)).value).toEqual({ rollout: 0, release: { ...OVER, ...REST } });
});

test.each<[string, unknown]>([
  ["runs", { ...OVER, ...REST, state: "running" }],
  ["fades", { ...OVER, ...REST, fade: [1, 2, 3] }],
  ["has no log and no arcs", OVER],
  ["is in a state of a later version", { ...OVER, ...REST, state: "superseded" }],
  ["is a text", "aborted"],
  ["is a list", ["aborted"]],
  ["is null", null],
])("a release that %s is in one field, and takes the place of one in two", (_, release) => {
  const { sets, removes } = changeOf("v", new Map([["v:release:rest", "{}"]]), { rollout: 0, release }, 1);
  expect(sets.map(([name]) => name)).toEqual(["v:revision", "v", "v:release"]);
  expect(removes).toEqual(["v:rollout", "v:release:rest"]);
  expect(recordOf("v", new Map(sets)).value).toEqual({ rollout: 0, release });
});

test("a write without a release leaves it, and a removal removes both its fields", () => {
  expect(changeOf("v", new Map(), { rollout: 0 }, 1).removes).toEqual(["v:rollout"]);
  const { removes } = changeOf("v", new Map(), { rollout: 0, release: undefined }, 1);
  expect(removes).toEqual(["v:rollout", "v:release", "v:release:rest"]);
});

test.each([
  ["[]", '{"log":[]}', []],
  ["[".repeat(50_000), '{"log":[]}', "[".repeat(50_000)],
  ['{"a":1}', "[1]", { a: 1 }],
  ['{"a":1}', "{", { a: 1 }],
  ['{"a":1}', "[".repeat(50_000), { a: 1 }],
  ["cut off", '{"log":[]}', "cut off"],
])("a release that a person has spoilt is what is left of it: %.20s %.20s", (release, rest, value) => {
  const raw = new Map([
    ["v", "0.5"],
    ["v:release", release],
    ["v:release:rest", rest],
  ]);
  expect(recordOf("v", raw).value).toEqual({ rollout: 0.5, release: value });
});

test("the rest of a release that is not there is no field of the record", () => {
  expect(
    recordOf(
      "v",
      new Map([
        ["v", "0.5"],
        ["v:release:rest", "{}"],
      ]),
    ).value,
  ).toEqual({ rollout: 0.5 });
});
