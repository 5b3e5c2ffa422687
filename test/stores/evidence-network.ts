/**
 * Cases of the evidence suite: a network that fails between the store and its engine. A client does not know
 * what arrived, so it appends again, and the merge of the reader counts once.
 */

import { expect } from "bun:test";
import { batchesOf } from "../../src/evidence/batches.ts";
import { newsIn } from "../../src/evidence/news-lines.ts";
import { ReleaseEvidence } from "../../src/evidence/release-evidence.ts";
import { BATCH_BYTES_MAX } from "../../src/stores/evidence.ts";
import { StoreError } from "../../src/stores/store.ts";
import { outcomeOf, releaseOf, ZERO_MS } from "../evidence/outcomes.ts";
import { fails, freshLog } from "../support/store-calls.ts";
import { CUT_AFTER_BYTES, type FaultMode, LATE_MS, type TcpFaults } from "../support/tcp-faults.ts";
import { again, distinct, Reader, use } from "./evidence-reader.ts";
import { type StoreHarness, within } from "./store-suite.ts";

/** The patience of a caller, as the exchange's, though shorter. */
const PATIENCE_MS = 700;

/** The patience of a caller that gives up before a late answer comes. */
const IMPATIENCE_MS = LATE_MS / 3;

/** Beyond the patience of its caller a call may take this long, on a machine that is busy. */
const PROMPTLY_MS = 1_500;

const SHORTER_THAN_ANY_ANSWER = 2;

const MODES = ["refuse", "reset", "swallow", "slow", "cut", "garbage"] as const satisfies FaultMode[];

export const NETWORK_CASES = {
  "a network that refuses, resets, swallows, crawls, cuts or garbles fails both calls in time, and is got over":
    survivesFaults,
  "an append whose answer was lost is made again, and the merge counts its coins once": answerLost,
  "an answer that comes after its caller gave up is not taken for another one": lateAnswers,
  "an answer or a request that is cut in the middle leaves no part of a batch": cutInTheMiddle,
} as const satisfies Record<string, (harness: StoreHarness) => Promise<void>>;

async function survivesFaults(harness: StoreHarness): Promise<void> {
  const faults = faultsOf(harness);
  await using opened = await use(harness);
  const log = freshLog("evidence");
  await opened.append(log, ["before"]);
  const reader = new Reader(opened.evidence, log);
  await reader.catchUp();
  faults.cutAfterBytes = SHORTER_THAN_ANY_ANSWER;
  for (const mode of MODES) {
    const outcomes = await during(faults, mode, () =>
      within(
        PATIENCE_MS + PROMPTLY_MS,
        Promise.all([
          codeOf(opened.evidence.append(log, [mode], AbortSignal.timeout(PATIENCE_MS))),
          codeOf(opened.evidence.read(log, reader.cursor, AbortSignal.timeout(PATIENCE_MS))),
        ]),
      ),
    );
    for (const code of outcomes) expect([mode, code]).toEqual([mode, expect.stringMatching(codesOf(mode))]);
    await again(() => opened.append(log, [`after ${mode}`]));
    await again(() => reader.catchUp());
    expect(reader.seen).toContain(`after ${mode}`);
  }
  faults.cutAfterBytes = CUT_AFTER_BYTES;
  const whole = ["before", ...MODES, ...MODES.map((mode) => `after ${mode}`)];
  for (const batch of reader.seen) expect(whole).toContain(batch);
}

/** Any other code would send the operator to look for something else. */
function codesOf(mode: FaultMode): RegExp {
  if (mode === "garbage") return /^(malformed|unavailable)$/;
  // Slow is not broken: a short answer arrives in time.
  return mode === "slow" ? /^(done|unavailable)$/ : /^unavailable$/;
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "done",
    (error: unknown) => (error instanceof StoreError ? error.code : String(error)),
  );
}

async function answerLost(harness: StoreHarness): Promise<void> {
  const faults = faultsOf(harness);
  await using opened = await use(harness);
  const log = freshLog("evidence");
  await opened.append(log, ["before"]);
  const teller = judgeOf("web-1");
  for (const u of [0.301, 0.302, 0.303, 0.9]) {
    const [location, t] = [u < 0.35 ? "canary" : "master", 100];
    teller.takeDecided(outcomeOf({ t, u, location, status: 500, ms: 20 }), ZERO_MS + t * 1_000);
  }
  const batches = batchesOf(teller.news(NOW_MS));
  const error = await during(faults, "lose", () => fails(opened.append(log, batches)));
  expect(error.code).toBe("unavailable");
  await again(() => opened.append(log, batches));

  await using other = await use(harness);
  const reader = new Reader(other.evidence, log);
  await reader.catchUp();
  expect(distinct(reader.seen)).toEqual(distinct(["before", ...batches]));
  // The engine has taken both.
  expect(reader.seen.filter((batch) => batch === batches[0]).length).toBeGreaterThan(1);
  const judge = judgeOf("web-2");
  judge.hear(newsIn(reader.seen));
  expect(coinsOf(judge)).toEqual({ canary: 3, master: 1 });
}

async function lateAnswers(harness: StoreHarness): Promise<void> {
  const faults = faultsOf(harness);
  await using opened = await use(harness);
  const [log, beside] = [freshLog("evidence"), freshLog("beside")];
  await opened.append(log, ["before"]);
  await opened.append(beside, ["beside"]);
  const beganMs = performance.now();
  const errors = await during(faults, "late", () =>
    Promise.all([
      fails(opened.evidence.append(log, ["late"], AbortSignal.timeout(IMPATIENCE_MS))),
      fails(opened.evidence.read(log, undefined, AbortSignal.timeout(IMPATIENCE_MS))),
    ]),
  );
  for (const { code } of errors) expect(code).toBe("unavailable");
  // The answers come while these calls are under way.
  for (let append = 0; performance.now() - beganMs < LATE_MS + IMPATIENCE_MS; append++) {
    const reader = new Reader(opened.evidence, beside);
    await again(() => reader.catchUp());
    expect(distinct(reader.seen)).toEqual(["beside"]);
    await again(() => opened.append(log, [`after ${append}`]));
    await Bun.sleep(LATE_MS / 10);
  }
  const reader = new Reader(opened.evidence, log);
  await reader.catchUp();
  expect(reader.seen).toEqual(expect.arrayContaining(["before", "after 0"]));
}

async function cutInTheMiddle(harness: StoreHarness): Promise<void> {
  const faults = faultsOf(harness);
  await using opened = await use(harness);
  const log = freshLog("evidence");
  const long = (name: string) =>
    Array.from({ length: 8 }, (_, at) => `${name} ${at} `.padEnd(BATCH_BYTES_MAX, "x"));
  const [there, halved] = [long("there"), long("halved")];
  await opened.append(log, there);
  faults.cutAfterBytes = (there.length * BATCH_BYTES_MAX) / 2;
  const cut = await during(faults, "cut", () =>
    fails(opened.evidence.read(log, undefined, AbortSignal.timeout(PATIENCE_MS))),
  );
  faults.cutAfterBytes = CUT_AFTER_BYTES;
  const halve = await during(faults, "halve", () =>
    fails(opened.evidence.append(log, halved, AbortSignal.timeout(PATIENCE_MS))),
  );
  expect([cut.code, halve.code]).toEqual(["unavailable", "unavailable"]);
  await again(() => opened.append(log, ["after"]));
  const reader = new Reader(opened.evidence, log);
  await reader.catchUp();
  const whole = [...there, ...halved, "after"];
  for (const batch of reader.seen) expect(whole).toContain(batch);
  expect(reader.seen).toEqual(expect.arrayContaining([...there, "after"]));
}

/** The proxy is in a mode as long as the work lasts. */
async function during<T>(faults: TcpFaults, mode: FaultMode, work: () => Promise<T>): Promise<T> {
  await faults.enter(mode);
  try {
    return await work();
  } finally {
    await faults.enter("pass");
  }
}

function faultsOf({ faults }: StoreHarness): TcpFaults {
  if (faults === undefined) throw new Error("without a network skip this case, and say why");
  return faults;
}

const NOW_MS = ZERO_MS + 200_000;

/** The evidence of a release at 5 %, from 0.3 on. */
function judgeOf(from: string): ReleaseEvidence {
  return new ReleaseEvidence({ release: releaseOf([{ at: 0, rollout: 0.05 }], 0.3), from });
}

function coinsOf(evidence: ReleaseEvidence) {
  const { canary, master } = evidence.figures(NOW_MS, 0)?.metrics[0]?.segments[0] ?? {};
  return { canary, master };
}
