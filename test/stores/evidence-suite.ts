/**
 * The second contract of a store, for the evidence of releases. A store that has `evidence` calls
 * `evidenceSuite` with the harness of its `storeSuite`. If an engine cannot show a case, the case is skipped
 * by name, with the reason in the test's title.
 */

import { expect } from "bun:test";
import { BATCH_BYTES_MAX, BATCHES_MAX, EVIDENCE_READ_BYTES_MAX } from "../../src/stores/evidence.ts";
import { eventually } from "../support/eventually.ts";
import { reasonOf } from "../support/reason-of.ts";
import { freshKey, freshLog } from "../support/store-calls.ts";
import { contractSuite } from "./contract.ts";
import { ENGINE_CASES } from "./evidence-engine.ts";
import { FLEET_CASES } from "./evidence-fleet.ts";
import { NETWORK_CASES } from "./evidence-network.ts";
import { again, distinct, inTime, Reader, use } from "./evidence-reader.ts";
import { givenUp, type StoreHarness, watchOf } from "./store-suite.ts";

/** A case may write a megabyte. */
const CASE_MS = 60_000;

/** The daemons of a large fleet. */
const WRITERS = 50;

/** Long enough to see a nudge that should not come. */
const QUIET_MS = 400;

const CASES = {
  "a log that is not there is empty, and its cursor finds what comes later": emptyLog,
  "batches come back as they were, whatever is in them": batchesAsTheyWere,
  "the longest batches come back whole, as many as one call may have": longestBatches,
  "a reader that follows by its cursor sees each batch": follows,
  "a long log comes in several reads, none of them much longer than the limit": longLog,
  "a batch may be appended again, and none is lost": appendedAgain,
  "of fifty writers at once no batch is lost to a reader that follows": fiftyWriters,
  "a cursor that the store cannot use counts as none": nonsenseCursors,
  "logs of two keys and of two applications are apart": logsApart,
  "names of applications are names like any other": awkwardNames,
  "what was appended is there for the next process": outlastsProcess,
  "REL-18: an append wakes no feed, changes no snapshot and adds no application": wakesNoFeed,
  "calls that are given up reject": aborted,
  "calls to an engine that hangs end when they are given up": abortedWhileItHangs,
  "a watch is nudged soon after an append": watchNudges,
  ...ENGINE_CASES,
  ...NETWORK_CASES,
  ...FLEET_CASES,
} as const satisfies Record<string, (harness: StoreHarness) => Promise<void>>;

export type EvidenceCaseName = keyof typeof CASES;

/**
 * @param skips the cases that make no sense for this store, and why
 */
export function evidenceSuite(
  name: string,
  start: () => Promise<StoreHarness>,
  skips: Partial<Record<EvidenceCaseName, string>> = {},
): void {
  contractSuite({ title: `the evidence in ${name}`, start, cases: CASES, skips, caseMs: CASE_MS });
}

async function emptyLog(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  const log = freshLog("evidence");
  const reader = new Reader(opened.evidence, log);
  await reader.catchUp();
  expect(reader.seen).toEqual([]);
  await reader.catchUp();
  await opened.append(log, ["the first one"]);
  await reader.catchUp();
  expect(reader.seen).toEqual(["the first one"]);
}

async function batchesAsTheyWere(harness: StoreHarness): Promise<void> {
  const batches = [
    'presence {"name":"web-1","beat":3}\ntold {"seq":4}',
    " leading, trailing and a last line break \n",
    "\"quotes\" 'apostrophes' \\backslashes\\ \\n %25 %n $1 $x -- ; /* */",
    "é € 𝄞 ü",
    "0",
    "null",
    "[]",
  ];
  await using opened = await use(harness);
  const log = freshLog("evidence");
  await opened.append(log, batches);
  const reader = new Reader(opened.evidence, log);
  await reader.catchUp();
  expect(distinct(reader.seen)).toEqual(distinct(batches));
}

async function longestBatches(harness: StoreHarness): Promise<void> {
  const narrow = Array.from({ length: BATCHES_MAX - 1 }, (_, index) =>
    `${index} `.padEnd(BATCH_BYTES_MAX, '"\\'),
  );
  const wide = "é".repeat(BATCH_BYTES_MAX / 2);
  await using opened = await use(harness);
  const log = freshLog("evidence");
  await opened.append(log, [...narrow, wide]);
  const reader = new Reader(opened.evidence, log);
  await reader.catchUp();
  expect(distinct(reader.seen)).toEqual(distinct([...narrow, wide]));
}

async function follows(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  const log = freshLog("evidence");
  const readers = [new Reader(opened.evidence, log)];
  const batches: string[] = [];
  for (let round = 0; round < 10; round++) {
    const own = Array.from({ length: 1 + (round % 3) }, (_, index) => `round ${round}, batch ${index}`);
    batches.push(...own);
    await opened.append(log, own);
    // One reader begins with each round.
    readers.push(new Reader(opened.evidence, log));
    for (const reader of readers) {
      await reader.catchUp();
      expect(distinct(reader.seen)).toEqual(distinct(batches));
    }
  }
}

async function longLog(harness: StoreHarness): Promise<void> {
  const callBytes = BATCHES_MAX * BATCH_BYTES_MAX;
  const calls = Math.ceil((3 * EVIDENCE_READ_BYTES_MAX) / callBytes);
  await using opened = await use(harness);
  const log = freshLog("evidence");
  const batches: string[] = [];
  for (let call = 0; call < calls; call++) {
    const own = Array.from({ length: BATCHES_MAX }, (_, index) =>
      `${call} ${index} `.padEnd(BATCH_BYTES_MAX, "x"),
    );
    await opened.append(log, own);
    batches.push(...own);
  }
  const reader = new Reader(opened.evidence, log);
  await reader.catchUp();
  expect(distinct(reader.seen)).toEqual(distinct(batches));
  expect(reader.longestBytes).toBeLessThanOrEqual(EVIDENCE_READ_BYTES_MAX + callBytes);
  expect(reader.reads).toBeGreaterThan(2);
}

async function appendedAgain(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  const log = freshLog("evidence");
  const reader = new Reader(opened.evidence, log);
  for (const batch of ["one", "two", "one", "one", "three", "two"]) {
    await opened.append(log, [batch]);
    await reader.catchUp();
  }
  await opened.append(log, ["four", "four"]);
  await reader.catchUp();
  expect(distinct(reader.seen)).toEqual(["four", "one", "three", "two"]);
}

async function fiftyWriters(harness: StoreHarness): Promise<void> {
  await using third = await use(harness);
  const log = freshLog("evidence");
  const wanted: string[] = [];
  const write = async (name: string, { append }: Awaited<ReturnType<typeof use>>) => {
    for (let call = 0; call < 2; call++) {
      const own = Array.from({ length: 1 + (call % 4) }, (_, index) => `${name} ${call} ${index}`);
      wanted.push(...own);
      // The exchange does so too, because an engine with too many writers at once may refuse one for a moment.
      await again(() => append(log, own));
    }
  };
  const writers = await Promise.all(Array.from({ length: WRITERS }, () => use(harness)));
  try {
    // The first has two calls under way at a time.
    const lanes = [...writers, ...writers.slice(0, 1)];
    const writing = Promise.all(lanes.map((writer, lane) => write(`lane ${lane}`, writer)));
    const reader = new Reader(third.evidence, log);
    let isWritten = false;
    const written = writing.finally(() => {
      isWritten = true;
    });
    while (!isWritten) await reader.catchUp();
    await written;
    await reader.catchUp();
    expect(distinct(reader.seen)).toEqual(distinct(wanted));
  } finally {
    for (const writer of writers) await writer[Symbol.asyncDispose]();
  }
}

async function nonsenseCursors(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  const log = freshLog("evidence");
  const batches = ["one", "two", "three"];
  await opened.append(log, batches);
  const nonsense = [
    ...["", "nonsense", "0", "-1", "1e400", "NaN", "null", "{}", "[]", '{"a":1}', "\0", "é\n", "%", "~"],
    ...["9".repeat(30), "18446744073709551615-18446744073709551615", "x".repeat(100_000), "[".repeat(5_000)],
  ];
  for (const cursor of nonsense) {
    const reader = new Reader(opened.evidence, log, cursor);
    await reader.catchUp();
    expect([cursor, distinct(reader.seen)]).toEqual([cursor, distinct(batches)]);
  }
}

async function logsApart(harness: StoreHarness): Promise<void> {
  const [first, second] = [freshKey(), freshKey()];
  const logs = ["apart", "apart-2", "other"].flatMap((application) => [
    { application, key: first },
    { application, key: second },
  ]);
  await using opened = await use(harness);
  for (const [index, log] of logs.entries()) await opened.append(log, [`of ${index}`]);
  for (const [index, log] of logs.entries()) {
    const reader = new Reader(opened.evidence, log);
    await reader.catchUp();
    expect(distinct(reader.seen)).toEqual([`of ${index}`]);
  }
}

async function awkwardNames(harness: StoreHarness): Promise<void> {
  const key = freshKey();
  const names = [
    ...[
      "__proto__",
      "constructor",
      "toString",
      "two words",
      " ",
      "~",
      "a:b",
      "a~b",
      "a*b?",
      "[a-z]",
      "{tag}",
    ],
    ...["é%", "%2F", "a%2Fb", "a/b", "../up", "..", ".", "Website", "website", "𝄞", "'; DROP TABLE x; --"],
    ...["é".repeat(64), "é".repeat(63), "x".repeat(128)],
  ];
  await using opened = await use(harness);
  for (const application of names) await opened.append({ application, key }, [`of ${application}`]);
  for (const application of names) {
    const reader = new Reader(opened.evidence, { application, key });
    await reader.catchUp();
    expect([application, distinct(reader.seen)]).toEqual([application, [`of ${application}`]]);
  }
}

async function outlastsProcess(harness: StoreHarness): Promise<void> {
  const log = freshLog("evidence");
  let cursor: string | undefined;
  for (const round of ["first", "second"]) {
    await using opened = await use(harness);
    const later = new Reader(opened.evidence, log, cursor);
    await opened.append(log, [`of the ${round} process`]);
    await later.catchUp();
    expect(later.seen).toContain(`of the ${round} process`);
    cursor = later.cursor;
  }
  await using opened = await use(harness);
  const reader = new Reader(opened.evidence, log);
  await reader.catchUp();
  expect(distinct(reader.seen)).toEqual(["of the first process", "of the second process"]);
}

async function wakesNoFeed(harness: StoreHarness): Promise<void> {
  const log = { application: "asleep", key: freshKey() };
  await harness.seed("asleep", { canary: 0.25 });
  await using opened = await use(harness);
  await using other = await use(harness);
  const { store } = opened;
  const nudges = store.watch === undefined ? undefined : watchOf(store, "asleep");
  const look = async () => {
    const snapshot = await store.read("asleep", inTime());
    const records = [...snapshot].map(([version, { value, revision, position }]) => [
      ...[version, value, revision, position],
    ]);
    const names = await store.applications?.(inTime());
    return { records, names: names?.toSorted() };
  };
  const before = await look();
  await nudges?.quiet();
  const count = nudges?.count;
  for (const { append } of [opened, other, opened]) {
    await append(log, ["one", "two"]);
    await Bun.sleep(QUIET_MS / 3);
  }
  await Bun.sleep(QUIET_MS);
  expect(nudges?.count).toBe(count);
  expect(await look()).toEqual(before);
  nudges?.end();
}

async function aborted(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  const log = freshLog("evidence");
  const { evidence } = opened;
  expect(await reasonOf(evidence.append(log, ["too late"], AbortSignal.abort()))).toBeInstanceOf(Error);
  expect(await reasonOf(evidence.read(log, undefined, AbortSignal.abort()))).toBeInstanceOf(Error);
}

async function abortedWhileItHangs(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  const log = freshLog("evidence");
  const { evidence } = opened;
  await opened.append(log, ["before"]);
  await givenUp(harness, (signal) => evidence.read(log, undefined, signal));
  await givenUp(harness, (signal) => evidence.append(log, ["meanwhile"], signal));
}

async function watchNudges(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  await using other = await use(harness);
  const log = freshLog("evidence");
  let count = 0;
  const end = opened.evidence.watch?.(log, () => {
    count++;
  });
  if (end === undefined) throw new Error("its evidence has no watch: skip this case, and say why");
  // A watch that is not ready yet nudges when it is.
  await eventually(() => count > 0, "the watch is ready");
  for (const batch of ["one", "two"]) {
    await Bun.sleep(QUIET_MS);
    const before = count;
    await other.append(log, [batch]);
    await eventually(() => count > before, `a nudge after ${batch}`);
  }
  end();
  await Bun.sleep(QUIET_MS);
  const last = count;
  await other.append(log, ["three"]);
  await Bun.sleep(QUIET_MS);
  expect(count).toBe(last);
}
