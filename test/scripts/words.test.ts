import { expect, test } from "bun:test";
import { join } from "node:path";
import { Modules } from "../../scripts/test/modules.ts";
import { needsOf } from "../../scripts/test/needs.ts";
import { chosenBy, chosenLine, isKnown, knownWords, partsOf, wordsOfPath } from "../../scripts/test/words.ts";

const modules = new Modules(join(import.meta.dir, "../.."));
const tests = modules.tests();
const filesOf = (...words: string[]) => chosenBy(modules, tests, words).map(({ file }) => file);

test("a path is made of words", () => {
  expect(wordsOfPath("test/stores/redis/faults.test.ts")).toEqual(["stores", "redis", "faults"]);
  expect(wordsOfPath("test/support/nginx.ts")).toEqual(["nginx"]);
});

test("the name of a proxy chooses its tests, and of those of all proxies its cases", () => {
  const chosen = chosenBy(modules, tests, ["haproxy"]);
  const files = chosen.map(({ file }) => file);
  expect(files).toContain("test/integration/haproxy.test.ts");
  expect(files).toContain("test/integration/conformance.test.ts");
  expect(files).not.toContain("test/integration/nginx-lease.test.ts");
  expect(chosen.find(({ file }) => file.endsWith("/conformance.test.ts"))?.pattern).toBe(
    "HAProxy, map|HAProxy, SPOE",
  );
  expect(chosen.find(({ file }) => file.endsWith("/haproxy.test.ts"))?.pattern).toBeUndefined();
});

test("the name of a store chooses its tests; two words narrow the choice", () => {
  expect(filesOf("redis")).toContain("test/stores/redis.test.ts");
  expect(filesOf("redis")).toContain("test/cli/engines.test.ts");
  const both = filesOf("store", "redis");
  expect(both).toContain("test/stores/redis.test.ts");
  expect(both.length).toBeLessThan(filesOf("store").length);
  expect(filesOf("stores", "redis")).toEqual(both);
});

test("a command, and a page of the code, is a word as well", () => {
  const doctor = filesOf("doctor");
  expect(doctor).toContain("test/integration/doctor.test.ts");
  expect(doctor.some((file) => file.startsWith("test/doctor/"))).toBeTrue();
  expect(doctor).not.toContain("test/stores/redis.test.ts");
});

test("no words choose everything", () => {
  expect(filesOf()).toEqual(tests);
});

test("a word that concerns no test is not known", () => {
  const known = knownWords(modules, tests);
  expect(isKnown("redis", known)).toBeTrue();
  expect(isKnown("store", known)).toBeTrue();
  expect(isKnown("ngnix", known)).toBeFalse();
});

test("a file with cases of all proxies has a part for each of them, and one for the rest", () => {
  const file = "test/integration/conformance.test.ts";
  const parts = partsOf(modules, { file });
  const patterns = parts.map(({ pattern = "" }) => new RegExp(pattern));
  for (const title of [
    "HAProxy, map as it is",
    "HAProxy, SPOE as it is",
    "Envoy, ext_authz",
    "a case of no proxy",
  ]) {
    expect(patterns.filter((pattern) => pattern.test(title)).length, title).toBe(1);
  }
  expect(parts.length).toBeGreaterThan(12);
  expect(partsOf(modules, { file: "test/rollout.test.ts" })).toEqual([{ file: "test/rollout.test.ts" }]);
  expect(partsOf(modules, { file, pattern: "Envoy" })).toEqual([{ file, pattern: "Envoy" }]);
});

test("one line names the chosen files, and the cases of those that are not run whole", () => {
  const chosen = [
    { file: "test/a.test.ts", pattern: "nginx, Lua|nginx \\(old\\)" },
    { file: "test/b.test.ts" },
    { file: "test/c.test.ts", pattern: "nginx, Lua|nginx \\(old\\)" },
  ];
  expect(chosenLine(["nginx"], chosen)).toBe(
    "── nginx, files (3): test/b.test.ts, test/a.test.ts, test/c.test.ts (only the cases nginx, Lua|nginx (old))",
  );
});

test("the cases of one proxy need no other proxy's program, and the whole file needs all", () => {
  const file = "test/integration/conformance.test.ts";
  const chosen = chosenBy(modules, tests, ["nginx"]).find((each) => each.file === file);
  const toolsOf = (without?: readonly string[]) => needsOf(modules, file, without).map(({ tool }) => tool);
  expect(toolsOf(chosen?.without)).toContain("nginx");
  for (const tool of ["HAProxy", "Traefik", "Envoy", "Caddy", "Apache httpd"]) {
    expect([tool, toolsOf(chosen?.without).includes(tool), toolsOf().includes(tool)]).toEqual([
      ...[tool, false, true],
    ]);
  }
});
