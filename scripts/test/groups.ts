/** Decides whether a test file runs beside others or alone, and whether it is one of the quick tests. */

import type { Modules } from "./modules.ts";

/** A test file that imports this one, directly or through a helper, runs alone. */
const ALONE = /(^|\/)support\/alone\.ts$/;

/** A test file that imports this one takes long. */
const LONG = /(^|\/)support\/long\.ts$/;

/** Code that starts another program. */
const STARTS_PROGRAM = /\bBun\.(spawn|spawnSync|\$)|\bfrom "node:child_process"/;

/** Whether a test measures milliseconds, so that no other test may run beside it. */
export function isAlone(modules: Modules, test: string): boolean {
  return modules.testCode(test).some((path) => ALONE.test(path));
}

/** Whether a test computes for so long that it should begin first. */
export function isLong(modules: Modules, test: string): boolean {
  return modules.testCode(test).some((path) => LONG.test(path));
}

/**
 * Whether a test is quick: it may run beside others, and neither it nor the test code that it imports
 * starts a program. So it needs no server, no root and no network, and it waits for no process.
 */
export function isFast(modules: Modules, test: string): boolean {
  if (isAlone(modules, test)) return false;
  return modules.testCode(test).every((path) => !STARTS_PROGRAM.test(modules.text(path)));
}

/** The quick tests that import one of these files. All of them, if no test imports one of the files. */
export function concernedBy(
  modules: Modules,
  changed: readonly string[],
  tests: readonly string[],
): readonly string[] {
  const concerned = new Set<string>();
  for (const path of changed) {
    const found = tests.filter((test) => modules.reached(test).has(path));
    if (found.length === 0) return tests;
    for (const test of found) concerned.add(test);
  }
  return tests.filter((test) => concerned.has(test));
}
