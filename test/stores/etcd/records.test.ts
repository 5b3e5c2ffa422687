import { expect, test } from "bun:test";
import { checkRecord } from "../../../src/records/check.ts";
import { type Json, rangeOf, recordOf } from "../../../src/stores/etcd/records.ts";

const header = { revision: "7" };
const kv = { key: "YQ==", create_revision: "2", mod_revision: "3", value: "MC4yNQ==" };

test.each<[string, Json]>([
  ["nothing", {}],
  ["a header without a revision", { header: {} }],
  ["a revision that is a number", { header: { revision: 7 } }],
  ["a revision of nothing", { header: { revision: "0" } }],
  ["keys that are not a list", { header, kvs: {} }],
  ["a key that is null", { header, kvs: [null] }],
  ["a key without a name", { header, kvs: [{ ...kv, key: undefined }] }],
  ["a key without a revision", { header, kvs: [{ ...kv, mod_revision: undefined }] }],
  ["a key that was never created", { header, kvs: [{ ...kv, create_revision: undefined }] }],
  ["a value that is a number", { header, kvs: [{ ...kv, value: 1 }] }],
])("%s is no range", (_name, answer) => {
  expect(rangeOf(answer)).toBeUndefined();
});

test("an empty range is one, as only etcd says it", () => {
  expect(rangeOf({ header })).toEqual({ revision: "7", era: ",", values: [], count: 0, isCut: false });
});

test("a revision that no number can hold is still a revision, and no position", () => {
  expect({ ...recordOf({ text: "1", modRevision: "9007199254740993" }) }).toEqual({
    value: 1,
    revision: expect.stringMatching(/^9007199254740993-[\w-]{12}$/),
  });
});

test.each(["", "0,25", "{", "\ufffd", `${"[".repeat(500_000)}${"]".repeat(500_000)}`])(
  "a value that cannot be used is a malformed record of its own, and counts as 0",
  (text) => {
    const { value } = recordOf({ text, modRevision: "2" });
    expect(checkRecord("canary", value)).toMatchObject({ arc: { rollout: 0 }, problem: expect.any(String) });
  },
);
