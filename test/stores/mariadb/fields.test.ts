/** Changes of the fields of a record in their text. */

import { expect, test } from "bun:test";
import { withFields } from "../../../src/stores/mariadb/fields.ts";
import { StoreError } from "../../../src/stores/store.ts";

test("fields are added, replaced whole and removed, and the others stay", () => {
  const text = '{"kept": {"a": [1, null]}, "replaced": {"b": 1}, "gone": 1, "rollout": 5}';
  expect(JSON.parse(withFields(text, { replaced: { c: null }, gone: undefined, new: "é" }))).toEqual({
    ...{ kept: { a: [1, null] }, replaced: { c: null }, new: "é" },
  });
});

test("numbers keep their digits, also within lists", () => {
  const text = '{"big":12345678901234567890,"in":[1e400,{"small":0.10000000000000000000001}],"zero":-0.0}';
  expect(withFields(text, {})).toBe(text);
});

test("a name that JavaScript knows better is a name like any other", () => {
  const fields = Object.fromEntries([["__proto__", 1]]);
  expect(withFields('{"constructor":2}', fields)).toBe('{"constructor":2,"__proto__":1}');
  expect(withFields('{"__proto__":{"a":1}}', {})).toBe('{"__proto__":{"a":1}}');
});

test("NULL counts as an empty object, and a text that is not an object is refused", () => {
  expect(withFields(null, { a: 1 })).toBe('{"a":1}');
  for (const text of ["", "soon", "[1]", "null", '"a"', "5", "{"]) {
    expect(() => withFields(text, { a: 1 })).toThrow(StoreError);
  }
});
