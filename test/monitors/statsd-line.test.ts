import { expect, test } from "bun:test";
import { statsdLine } from "../../src/monitors/statsd-line.ts";

test("a line has a rate and tags only if there are any", () => {
  expect(statsdLine({ name: "a.b", tags: [] }, "c", 7)).toBe("a.b:7|c");
  expect(statsdLine({ name: "a.b", tags: [] }, "h", 0.75, {}, 0.001)).toBe("a.b:0.75|h|@0.001");
  const labels = { version: "canary", application: "app", other: "x" };
  expect(statsdLine({ name: "a.b", tags: ["application", "version"] }, "g", 0.25, labels)).toBe(
    "a.b:0.25|g|#application:app,version:canary",
  );
});

test("the value of a tag cannot end the tag or the line", () => {
  const labels = { application: "a\nb\r|c,d@e#f:g" };
  expect(statsdLine({ name: "n", tags: ["application"] }, "c", 1, labels)).toBe(
    "n:1|c|#application:a_b__c_d_e_f:g",
  );
});
