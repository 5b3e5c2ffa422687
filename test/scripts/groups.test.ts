import { expect, test } from "bun:test";
import { concernedBy, isAlone, isFast, isLong } from "../../scripts/test/groups.ts";
import { Project } from "./project.ts";

const FILES = {
  "src/clock.ts": "export const now = 1;",
  "src/watch.ts": 'import { now } from "./clock.ts"; export const then = now;',
  "test/support/alone.ts": "export {};",
  "test/support/long.ts": "export {};",
  "test/support/stall.ts": 'import "./alone.ts"; export const stall = 1;',
  "test/support/server.ts": 'export const start = () => Bun.spawn(["server"]);',
  "test/support/way.ts": 'export { start } from "./server.ts";',
  "test/pure.test.ts": 'import "./support/long.ts"; import { then } from "../src/watch.ts"; then;',
  "test/spawns.test.ts": 'Bun.spawnSync(["mkfifo", "a"]);',
  "test/served.test.ts": 'import { start } from "./support/way.ts"; start();',
  "test/shape.test.ts": 'import type { start } from "./support/server.ts"; const a: typeof start = 1;',
  "test/timed.test.ts": 'import { stall } from "./support/stall.ts"; stall;',
};

test("a test is quick unless its code, or test code that it imports, starts a program or wants to be alone", () => {
  using project = new Project(FILES);
  const { modules } = project;
  const fast = modules.tests().filter((path) => isFast(modules, path));
  expect(fast).toEqual(["test/pure.test.ts", "test/shape.test.ts"]);
});

test("a test runs alone if it imports the mark, itself or through a helper", () => {
  using project = new Project(FILES);
  const { modules } = project;
  expect(modules.tests().filter((path) => isAlone(modules, path))).toEqual(["test/timed.test.ts"]);
});

test("a test is long if it imports the mark", () => {
  using project = new Project(FILES);
  const { modules } = project;
  expect(modules.tests().filter((path) => isLong(modules, path))).toEqual(["test/pure.test.ts"]);
});

test("a new test needs no list: it is quick by itself, or it is not", () => {
  using project = new Project(FILES);
  project.write("test/new.test.ts", 'import { now } from "../src/clock.ts"; now;');
  project.write("test/new-served.test.ts", 'import { start } from "./support/server.ts"; start();');
  const { modules } = project;
  expect(isFast(modules, "test/new.test.ts")).toBeTrue();
  expect(isFast(modules, "test/new-served.test.ts")).toBeFalse();
});

test("a save concerns the tests that import the file, and all of them if none does", () => {
  using project = new Project(FILES);
  const tests = ["test/pure.test.ts", "test/shape.test.ts"];
  const concerned = (...paths: string[]) => concernedBy(project.modules, paths, tests);
  expect(concerned("src/clock.ts")).toEqual(["test/pure.test.ts"]);
  expect(concerned("test/shape.test.ts")).toEqual(["test/shape.test.ts"]);
  expect(concerned("docs/page.md")).toEqual(tests);
  expect(concerned("src/clock.ts", "docs/page.md")).toEqual(tests);
});
