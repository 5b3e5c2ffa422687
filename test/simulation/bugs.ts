/**
 * Puts bugs into the program by hand, one at a time, and looks whether the simulation finds each:
 *
 *     bun test/simulation/bugs.ts             all of them, among the runs of `fleet.test.ts`
 *     bun test/simulation/bugs.ts freeze      those with this word in their name
 *
 * Each bug goes into a copy of the program. `README.md` has the seeds that found them.
 */

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");

/** As many as `fleet.test.ts` has. */
const RUNS = 1_000;

/** Two runs at once, because two processors are common. */
const LANES = 2;

interface Bug {
  readonly name: string;
  readonly file: string;
  /** Stands once in the file. */
  readonly text: string;
  readonly instead: string;
}

const BUGS: readonly Bug[] = [
  bug("the freeze is not read", "controller/attempts.ts", "return freeze.isFrozen;", "return false;"),
  bug(
    "advance is not pinned to seq",
    "releases/raising.ts",
    "step !== release.step || seq !== release.seq",
    "step !== release.step || seq < 0",
  ),
  bug(
    "advance waits for nothing",
    "releases/raising.ts",
    'request.waits.every(({ state }) => state === "met")',
    "request.waits.length > -1",
  ),
  bug(
    "two steps are folded into one",
    "releases/raising.ts",
    "const next = Math.min(step + 1, plan.steps.length);\n  const notice",
    "const next = Math.min(step + 2, plan.steps.length);\n  const notice",
  ),
  bug(
    "a verb that raises is aimed at a new revision",
    "verbs/carry-out.ts",
    'if (!isLowering) return { kind: "conflict", looked, current: attempt.current };',
    "",
  ),
  bug(
    "an abort gives way to another writer",
    "verbs/carry-out.ts",
    'if (!isLowering) return { kind: "conflict"',
    'if (isLowering || !isLowering) return { kind: "conflict"',
  ),
  bug(
    "a writer does not know its own tx",
    "verbs/carry-out.ts",
    "found.release.tx === stamp.tx",
    'found.release.tx === ""',
  ),
  bug(
    "law 17 is forgotten",
    "releases/known.ts",
    "return release.seq < highestSeq(known, release);",
    "return false;",
  ),
  bug(
    "law 17 pauses a release that was over",
    "releases/known.ts",
    "return seen !== undefined && (seen.isOver || seen.isZero);",
    "return false;",
  ),
  bug(
    "law 17 advances instead",
    "controller/attempts.ts",
    'if (isBehind(known, now)) return { verb: "restore", known };',
    "",
  ),
  bug(
    "overrides are forgotten at a restart",
    "controller/overrides.ts",
    "this.#byTarget.set(nameOf(override), override);\n        this.#saved",
    "this.#saved",
  ),
  bug(
    "an override does not reach the table",
    "feed/followed.ts",
    "? { ...arc, rollout: 0 } : arc;",
    "? { ...arc } : arc;",
  ),
  bug(
    "the watch goes on after a gap",
    "releases/watch.ts",
    "return { ...before, last: look, watchedMs: 0, isWhole: true };",
    "return { ...before, last: look, watchedMs: before.watchedMs + passedMs };",
  ),
  bug(
    "the watch goes on after a write",
    "releases/watch.ts",
    "if (before === undefined || !isOf(before, state)) {",
    "if (before === undefined) {",
  ),
  bug(
    "the store's clock alone ends a wait",
    "releases/watch.ts",
    "isWhole ? waitMs : Math.min(waitMs, WATCH_MS_MAX)",
    "isWhole ? waitMs : 0",
  ),
  bug(
    "a jump of the store's clock counts",
    "releases/watch.ts",
    "return !(ranMs <= AHEAD_MS_MAX);",
    "return false;",
  ),
  bug(
    "another version beside it counts for nothing",
    "releases/raising.ts",
    'if (now.otherVersion !== undefined) return paused(now, release, "other-version"',
    'if (now.otherVersion === "") return paused(now, release, "other-version"',
  ),
  bug(
    "a foreign rollout is written over",
    "releases/foreign.ts",
    'return rollout === 0 && wrote[0] !== 0 ? "zero" : "change";',
    'return "none";',
  ),
  bug(
    "a foreign 0 only pauses",
    "releases/foreign.ts",
    'return rollout === 0 && wrote[0] !== 0 ? "zero" : "change";',
    'return "change";',
  ),
  bug(
    "resume raises",
    "releases/raising.ts",
    "plan.steps.findLastIndex((step) => step.rollout <= rollout) + 1",
    "plan.steps.findLastIndex((step) => step.rollout <= rollout) + 2",
  ),
  bug(
    "a fade rises",
    "releases/lowering.ts",
    "Math.min(now.rollout, fadedRollout(release.fade, stamp.nowMs))",
    "fadedRollout(release.fade, stamp.nowMs)",
  ),
  bug("seq does not grow", "releases/transition.ts", "seq: before.seq + 1,", "seq: before.seq,"),
  bug(
    "approval is not waited for",
    "releases/due.ts",
    '...(approve ? [condition("approve", release.approved === release.step)] : []),',
    "",
  ),
  bug(
    "a window is not waited for",
    "releases/due.ts",
    '...(release.windows === undefined ? [] : [condition("windows", facts.isOpen)]),',
    "",
  ),
  bug(
    "notices are told as sent before they are",
    "notices/sender.ts",
    "const { notices, lost } = isStep ? NOTHING :",
    "const { notices, lost } = isStep || this.#options.random() < 0.05 ? NOTHING :",
  ),
];

function bug(name: string, file: string, text: string, instead: string): Bug {
  return { name, file: `src/${file}`, text, instead };
}

/** The first run that breaks a law, as `run.ts` prints it; undefined if none does. */
async function foundBy({ name, file, text, instead }: Bug): Promise<string | undefined> {
  const directory = mkdtempSync(join(tmpdir(), "bug-"));
  try {
    for (const part of ["src", "test", "scripts", "package.json", "tsconfig.json"]) {
      cpSync(join(ROOT, part), join(directory, part), { recursive: true });
    }
    symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
    const before = readFileSync(join(directory, file), "utf8");
    if (before.split(text).length !== 2) throw new Error(`${name}: its text does not stand once in ${file}`);
    writeFileSync(
      join(directory, file),
      before.replace(text, () => instead),
    );
    const words = [process.execPath, join(directory, "test/simulation/run.ts"), "1", String(RUNS), "first"];
    const child = Bun.spawn(words, { stdout: "pipe", stderr: "pipe" });
    const [out, errors] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    await child.exited;
    if (errors !== "") throw new Error(`${name}: the runs ended with an error: ${errors}`);
    return out.split("\n").find((line) => line.startsWith("seed "));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const word = process.argv[2] ?? "";
const waiting = BUGS.filter(({ name }) => name.includes(word))[Symbol.iterator]();
let missed = 0;
await Promise.all(
  Array.from({ length: LANES }, async () => {
    for (const each of waiting) {
      const found = await foundBy(each);
      if (found === undefined) missed++;
      console.log(`${found === undefined ? "MISSED" : "found "}  ${each.name}: ${found ?? `${RUNS} runs`}`);
    }
  }),
);
process.exit(missed === 0 ? 0 : 1);
