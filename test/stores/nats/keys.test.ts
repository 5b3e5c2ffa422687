import { expect, test } from "bun:test";
import { encodeName, nameOf, subjectOf, subjectsOf } from "../../../src/stores/nats/keys.ts";

/** The names that NATS allows for a key, beside the point, which is the end of the application's name. */
const KEY = /^[-/_=A-Za-z0-9]+$/;

const NAMES = [
  ...["website", "two words", "a.b", "a=b", "a=2Eb", "*", ">", "%2F", "a/b", "é", "𝄞", "~releases", "."],
  ...["__proto__", "=", "==", "A-Z_0", "\n", "\0", "x".repeat(128)],
];

test("each name has a key of its own that NATS allows, and comes back", () => {
  const keys = NAMES.map(encodeName);
  for (const key of keys) expect(key).toMatch(KEY);
  expect(new Set(keys).size).toBe(NAMES.length);
  for (const name of NAMES) {
    const subject = subjectOf("b", name, "canary");
    expect(nameOf("b", subject)).toEqual({ application: name, version: "canary" });
    expect(subjectsOf("b", name)).toBe(subject.replace(/canary$/, "*"));
  }
});

test("plain names are as people write them", () => {
  expect(subjectOf("maxwells-daemon", "web-site_2", "canary")).toBe("$KV.maxwells-daemon.web-site_2.canary");
  expect(encodeName("two words")).toBe("two=20words");
});

test.each([
  ...[
    "$KV.b.website",
    "$KV.b.website.canary.more",
    "$KV.b..canary",
    "$KV.b.website.",
    "$KV.c.website.canary",
  ],
  ...["$KV.b.we=41.canary", "$KV.b.a=2e.canary", "$KV.b.a/b.canary", "$KV.b.=C3.canary", "$KV.b.a=.canary"],
])("%s is not a key of this program", (subject) => {
  expect(nameOf("b", subject)).toBeUndefined();
});
