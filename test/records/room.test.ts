/**
 * `records` must not depend on the command line, so that a page or a controller can write by the same rules.
 */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize, resolve } from "node:path";

const SRC = resolve(import.meta.dir, "../../src");

/** The imports that a file of `records` may have, besides other files of `records`, and pure `releases`. */
const BELOW = new Set(["circle.ts", "text/amounts.ts", "text/json-schema.ts", "stores/store.ts"]);

const files = [...new Bun.Glob("records/**/*.ts").scanSync(SRC)];

test.each(files)(
  "%s imports the circle, records, releases and the contract of a store, and nothing above them",
  (file) => {
    const text = readFileSync(join(SRC, file), "utf8");
    const imported = [...text.matchAll(/from "([^"]+)"/g)].map(([, path = ""]) => path);
    const others = imported
      .filter((path) => !path.startsWith("node:"))
      .map((path) => normalize(join(dirname(file), path)))
      .filter((path) => !/^(records|releases)\//.test(path) && !BELOW.has(path));
    expect(others).toEqual([]);
  },
);

test("there are files to look at", () => {
  expect(files.length).toBeGreaterThan(5);
});
