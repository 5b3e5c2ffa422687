/**
 * The contract that every store must keep, whatever its engine. A store's test file calls `storeSuite` with a
 * harness that drives the engine from outside; what an engine cannot show is skipped by name, with the reason
 * in the test's title.
 */

import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { READ_TIMEOUT_MS } from "../../src/feed/bounded-read.ts";
import { Feed } from "../../src/feed/feed.ts";
import { type Fields, silentLog } from "../../src/log/log.ts";
import { Metrics } from "../../src/metrics.ts";
import { checkRecord } from "../../src/records/check.ts";
import { RELEASE_BYTES_MAX } from "../../src/releases/release.ts";
import { Rollout } from "../../src/rollout.ts";
import type { Evidence, EvidenceLog } from "../../src/stores/evidence.ts";
import {
  type RecordFields,
  type Removed,
  type Snapshot,
  type Snapshots,
  type Store,
  StoreError,
  type Written,
} from "../../src/stores/store.ts";
import { DaemonHome } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { reasonOf } from "../support/reason-of.ts";
import { fails } from "../support/store-calls.ts";
import type { TcpFaults } from "../support/tcp-faults.ts";
import { contractSuite } from "./contract.ts";

/** How long anything prompt may take here, on a machine that is busy. */
const PROMPTLY_MS = 1_500;

/** The patience of a caller, as the feed's, though shorter. */
const READ_MS = 2_000;

/** The time between reads of a feed here without a push, and the time to notice a dead connection. */
const POLL_MS = 500;
const SILENCE_MS = 2_500;

/** Long enough for a restart on a busy machine, and short enough to be waited for. */
const UNHEALTHY = "4s";

/** A case may make ten thousand records. */
const CASE_MS = 60_000;

/** Long enough to see a nudge that should not come. */
const QUIET_MS = 200;

/** A clock that is exact to a second may be this far from ours, on the same machine. */
const CLOCK_MS = 1_500;

/** Counts the cost of the evidence of a release. */
export interface EvidenceMeter {
  /** Counts all that the engine has and has done, by the engine itself. The figures only grow. */
  read(): Promise<Readonly<Record<string, number>>>;
  /** The figures of one daemon of a fleet grow by at most this much in an hour of a release. */
  readonly hourMax: Readonly<Record<string, number>>;
}

export interface StoreHarness {
  /** Another store on the same engine, as another process would open it. */
  open(): Promise<Store>;
  /** Makes these the application's records, from outside: by other means than the store's own `write`. */
  seed(application: string, records: Readonly<Record<string, unknown>>): Promise<void>;
  /** Makes these records of each application, in one go where the engine can. */
  seedMany?(applications: readonly string[], records: Readonly<Record<string, unknown>>): Promise<void>;
  /** How a daemon of its own process finds the engine: `-store`, and what its environment needs. */
  readonly forDaemon?: { readonly address: string; readonly env?: Readonly<Record<string, string>> };
  /** The proxy between the stores that `open` gives and their engine. */
  readonly faults?: TcpFaults;
  /** A store that is not let in, and the secret that it was not let in with. */
  denied?(): Promise<{ readonly store: Store; readonly secret: string }>;
  /** The engine goes away; what it held is still there when it is back. */
  leave?(): Promise<void>;
  /** The engine holds of this application what cannot be a snapshot, and sound ones of others. */
  spoilOne?(application: string): Promise<void>;
  /** The engine holds, or answers, what cannot be a snapshot. */
  spoil?(): Promise<void>;
  /** The engine takes requests and does not answer. */
  hang?(): Promise<void>;
  /**
   * Keeps what the engine holds now, of the application at least, as a replica that lags does, or a backup.
   */
  backUp?(application: string): Promise<void>;
  /**
   * Another engine takes this one's place, and is written to: one without records, or the one of `backUp`.
   */
  failOver?(state: "empty" | "older"): Promise<void>;
  /** Ends the engine at once, and starts it again with what it had. */
  restart?(): Promise<void>;
  /**
   * The time of this log of evidence is over, and all that the engine itself does then has been done. Rejects
   * if it would have gone too early, or never.
   */
  age?(log: EvidenceLog): Promise<void>;
  /** Counts the cost of the evidence. */
  readonly meter?: EvidenceMeter;
  /**
   * The evidence beside an engine whose clock is this one: milliseconds since 1970. Absent if the clock of
   * the engine does not count.
   */
  evidenceAt?(nowMs: () => number): Promise<{ readonly evidence: Evidence; close(): Promise<void> }>;
  /** Undoes `leave`, `spoil`, `hang` and `failOver`. */
  recover?(): Promise<void>;
  close(): Promise<void>;
}

const CASES = {
  "an application that the engine does not know is an empty snapshot": unknownApplication,
  "a snapshot holds all records of its application and no others": wholeSnapshot,
  "values come back as they lie, malformed ones too": valuesAsTheyLie,
  "names that JavaScript knows better are names like any other": awkwardNames,
  "a release is written with its rollout in one compare-and-set, and comes back equal": writesRelease,
  "a release is there when many are read, and one that changes alone changes its snapshot": manyWithRelease,
  "a release that is over may lose its log and its arcs when many are read, and nothing else":
    manyAfterRelease,
  "the engine's clock tells the time": tellsTime,
  "a revision changes with its record, and only then": revisions,
  "a write with the revision that is there replaces the record": writeSucceeds,
  "a lost write changes nothing and says what is there now": writeLost,
  "a write with null makes a record": createSucceeds,
  "a write with null is lost where a record is": createLost,
  "a write with a revision is lost where the record is gone": writeGone,
  "of two writers at once exactly one wins": twoWriters,
  "a record is removed with the revision that is there, and with no other": removes,
  "a record that was removed and is made again is not older than it was": madeAgain,
  "of a writer and a remover at once exactly one wins": writerAndRemover,
  "fields that a write does not name stay": unknownFields,
  "a field of any name is kept, or refused by name before anything is written": anyField,
  "a read that is given up rejects promptly": abortedRead,
  "a read of an engine that hangs ends when it is given up": abortedWhileItHangs,
  "closing during a read ends both": closeDuringRead,
  "a watch is nudged soon after a change from outside": watchNudges,
  "a watch that has ended is nudged no more": watchEnds,
  "all applications that have records are listed": listsApplications,
  "what it needs may be made again, and changes nothing that is there": initTwice,
  "an engine that remembers tells what was, newest first": remembers,
  "an engine with a history shows removals, also of the last record": remembersRemovals,
  "ten thousand applications in one store change nothing for one": manyApplications,
  "many applications are read together, each as it is alone": manyTogether,
  "what did not change since the last time is the very object of that time": manyUnchanged,
  "what is wrong with one application is its answer alone": manyWithOneSpoilt,
  "ten thousand applications are read together in time, and without making others wait": tenThousandTogether,
  "reading many that is given up rejects": manyAborted,
  "reading many of an engine that hangs ends when it is given up": manyAbortedWhileItHangs,
  "reading many rejects without its engine": manyWithoutEngine,
  "a value of a megabyte is read, or refused by name": megabyte,
  "a record's position grows with each write, and never falls": positionsGrow,
  "a network that refuses, resets, swallows, crawls, cuts or garbles is an error in time, and is got over":
    survivesFaults,
  "a push that is lost without a sound is found by the poll": lostPush,
  "an older state after a fail-over is outdated: the last values hold until there is a newer one": olderState,
  "an older state counts at once if the engine counts no writes": olderDocument,
  "an empty engine after a fail-over is believed: all visitors go to master": emptyEngine,
  "a user without the right is denied, and the secret is in no message": deniedAccess,
  "hold and the saved snapshot outlast a restart while the store is away": outlastsRestart,
  "without its engine a read rejects, and works again when it is back": engineLeaves,
  "garbage is malformed, and good records are read again afterwards": garbage,
} as const satisfies Record<string, (harness: StoreHarness) => Promise<void>>;

export type CaseName = keyof typeof CASES;

/**
 * @param skips the cases that make no sense for this store, and why
 */
export function storeSuite(
  name: string,
  start: () => Promise<StoreHarness>,
  skips: Partial<Record<CaseName, string>> = {},
): void {
  contractSuite({ title: `the store ${name}`, start, cases: CASES, skips, caseMs: CASE_MS });
}

async function unknownApplication(harness: StoreHarness): Promise<void> {
  await harness.seed("known", { canary: 0.5 });
  await using opened = await use(harness);
  expect(await opened.read("unheard-of")).toEqual(new Map());
}

async function wholeSnapshot(harness: StoreHarness): Promise<void> {
  await harness.seed("other", { canary: 0.9, purple: 0.1 });
  await harness.seed("whole", { canary: 0.25, maintenance: 0, blue: 0.1 });
  await using opened = await use(harness);
  const snapshot = await opened.read("whole");
  expect(rollouts(snapshot)).toEqual({ canary: 0.25, maintenance: 0, blue: 0.1 });
}

async function valuesAsTheyLie(harness: StoreHarness): Promise<void> {
  const records = {
    canary: { rollout: 0.125, offset: 0.5, failsafe: "hold", note: "by hand", tags: ["a", 1, true, null] },
    beyond: { rollout: 17 },
    text: { rollout: "much" },
    empty: { note: "no rollout at all" },
    deep: { rollout: { is: { it: 0.5 } } },
  };
  await harness.seed("values", records);
  await using opened = await use(harness);
  const snapshot = await opened.read("values");
  expect(Object.fromEntries([...snapshot].map(([version, { value }]) => [version, value]))).toEqual(records);
}

async function awkwardNames(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  expect((await opened.read("__proto__")).size).toBe(0);
  expect((await opened.read("constructor")).size).toBe(0);
  const { write } = opened;
  for (const application of ["__proto__", "constructor"]) {
    expect((await write(application, "toString", { rollout: 0.5 }, null)).ok).toBe(true);
    expect((await write(application, "__proto__", { rollout: 0.25 }, null)).ok).toBe(true);
    const snapshot = await opened.read(application);
    expect(new Map([...snapshot].map(([version, { value }]) => [version, rolloutOf(value)]))).toEqual(
      new Map([
        ["toString", 0.5],
        ["__proto__", 0.25],
      ]),
    );
  }
  expect(({} as Record<string, unknown>)["rollout"]).toBeUndefined();
}

/** As long as a release may be: its JSON has 16 KiB at most. */
export function longRelease(state: string, seq: number): Record<string, unknown> {
  const atMs = Date.parse("2026-11-29T12:10:03.000Z");
  const release = {
    ...{ format: 1, key: "0123456789abcdef01234567", id: 7, of: "v42", plan: "1%:10m,5%:30m+ok,100%:1d" },
    ...{
      state,
      step: 2,
      since: "2026-11-29T12:10:03.000Z",
      inconclusive: "pause",
      seq,
      wrote: [0.05, 0.125],
    },
    ...{ tx: "89abcdef0123456789abcdef", reason: 'größer, "quoted" \\ and\nin two lines' },
    windows: ["mon-thu 09:00-16:00 Europe/Berlin"],
    weights: { errors: 1, "slow-400ms": 0.5 },
    arcs: Array.from({ length: 128 }, (_, index) => [atMs + index, index / 1_000, 0.125]),
    log: Array.from({ length: 64 }, (_, at) => [at + 1, atMs + at, "running", 2, at / 1_000, "ada@web-1"]),
    unknown: { to: [{ this: null }, "program", true] },
    padding: "",
  };
  release.padding = "x".repeat(RELEASE_BYTES_MAX - Buffer.byteLength(JSON.stringify(release)));
  return release;
}

async function writesRelease(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  const { write } = opened;
  const first = longRelease("running", 3);
  const created = won(
    await write("released", "canary", { rollout: 0.01, offset: 0.125, release: first }, null),
  );
  const there = (await opened.read("released")).get("canary");
  expect(there?.value).toEqual({ rollout: 0.01, offset: 0.125, release: first });
  expect(there?.revision).toBe(created);

  const second = longRelease("running", 4);
  const advanced = won(await write("released", "canary", { rollout: 0.05, release: second }, created));
  const stale = await write(
    "released",
    "canary",
    { rollout: 1, release: longRelease("running", 5) },
    created,
  );
  const now = (await opened.read("released")).get("canary");
  expect(now?.value).toEqual({ rollout: 0.05, offset: 0.125, release: second });
  expect(stale).toEqual({ ok: false, current: now });

  // A write of the rollout alone leaves the release, and one of the release alone has another revision.
  const lowered = won(await write("released", "canary", { rollout: 0 }, advanced));
  const alone = won(await write("released", "canary", { rollout: 0, release: first }, lowered));
  expect(alone).not.toBe(lowered);
  expect((await opened.read("released")).get("canary")?.value).toMatchObject({ rollout: 0, release: first });
  won(await write("released", "canary", { rollout: 0, release: undefined }, alone));
  expect((await opened.read("released")).get("canary")?.value).toEqual({ rollout: 0, offset: 0.125 });
}

async function manyWithRelease(harness: StoreHarness): Promise<void> {
  const names = Array.from({ length: 12 }, (_, index) => `releases-${index}`);
  await using opened = await use(harness);
  const revisions: string[] = [];
  for (const name of names) {
    const fields = { rollout: 0.05, offset: 0.125, release: longRelease("running", 3) };
    revisions.push(won(await opened.write(name, "canary", fields, null)));
  }
  const before = await opened.readMany(names);
  const kept = names.map((name) => before.get(name));
  for (const snapshot of kept) expect(releaseOf(snapshot)).toEqual(longRelease("running", 3));
  const again = await opened.readMany(names);
  expect(names.map((name, index) => again.get(name) === kept[index])).not.toContain(false);

  // The same length, and almost the same text.
  const next = longRelease("running", 4);
  const changed = won(
    await opened.write("releases-3", "canary", { rollout: 0.05, release: next }, revisions[3] ?? ""),
  );
  expect(changed).not.toBe(revisions[3]);
  const isThere = (read: Snapshots) => Bun.deepEquals(releaseOf(read.get("releases-3")), next);
  const after = await readUntil(opened, names, isThere);
  expect(names.filter((name, index) => after.get(name) !== kept[index])).toEqual(["releases-3"]);
}

async function manyAfterRelease(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  const releases = {
    "over-aborted": longRelease("aborted", 9),
    "over-finished": longRelease("finished", 9),
    "over-fading": { ...longRelease("finished", 9), padding: "", fade: [1, 1_764_417_600_000, 600_000] },
    "not-over": longRelease("paused", 9),
    "unknown-state": longRelease("some later state", 9),
    "a-text": "finished",
  };
  for (const [name, release] of Object.entries(releases)) {
    won(await opened.write(name, "canary", { rollout: 0, release }, null));
  }
  const read = await opened.readMany([...Object.keys(releases), ...AWAY]);
  for (const [name, release] of Object.entries(releases)) {
    const found = releaseOf(read.get(name));
    const isOver = name === "over-aborted" || name === "over-finished";
    expect([name, isOver ? withoutList(found) : found]).toEqual([
      name,
      isOver ? withoutList(release) : release,
    ]);
  }
}

function releaseOf(answer: Snapshot | StoreError | undefined): unknown {
  if (answer === undefined || answer instanceof StoreError) throw new Error(`no snapshot: ${answer}`);
  return (answer.get("canary")?.value as { readonly release?: unknown } | undefined)?.release;
}

function withoutList(release: unknown): unknown {
  const { log: _log, arcs: _arcs, ...others } = release as Readonly<Record<string, unknown>>;
  return others;
}

async function tellsTime(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  const { store } = opened;
  if (store.clock === undefined)
    throw new Error(`${store.address} has no clock: skip this case, and say why`);
  for (let look = 0; look < 2; look++) {
    const beganMs = Date.now();
    const toldMs = await store.clock(AbortSignal.timeout(10_000));
    expect(toldMs).toBeGreaterThanOrEqual(beganMs - CLOCK_MS);
    expect(toldMs).toBeLessThanOrEqual(Date.now() + CLOCK_MS);
  }
  expect(await reasonOf(store.clock(AbortSignal.abort()))).toBeInstanceOf(Error);
}

async function revisions(harness: StoreHarness): Promise<void> {
  await harness.seed("revisions", { canary: 0.25, blue: 0.1 });
  await using opened = await use(harness);
  const first = await opened.read("revisions");
  const again = await opened.read("revisions");
  expect(revisionOf(again, "canary")).toBe(revisionOf(first, "canary"));
  await harness.seed("revisions", { canary: 0.26, blue: 0.1 });
  const changed = await opened.read("revisions");
  expect(revisionOf(changed, "canary")).not.toBe(revisionOf(first, "canary"));
  expect(revisionOf(changed, "blue")).toBe(revisionOf(first, "blue"));
}

async function writeSucceeds(harness: StoreHarness): Promise<void> {
  await harness.seed("write", { canary: 0.25, blue: 0.1 });
  await using opened = await use(harness);
  const before = revisionOf(await opened.read("write"), "canary");
  const first = won(await opened.write("write", "canary", { rollout: 0.5 }, before));
  expect(first).not.toBe(before);
  const second = won(await opened.write("write", "canary", { rollout: 0.75, offset: 0.5 }, first));
  const snapshot = await opened.read("write");
  expect(revisionOf(snapshot, "canary")).toBe(second);
  expect(snapshot.get("canary")?.value).toMatchObject({ rollout: 0.75, offset: 0.5 });
  expect(rollouts(snapshot)).toEqual({ canary: 0.75, blue: 0.1 });
}

async function writeLost(harness: StoreHarness): Promise<void> {
  await harness.seed("lost", { canary: 0.25 });
  await using opened = await use(harness);
  const stale = revisionOf(await opened.read("lost"), "canary");
  await harness.seed("lost", { canary: 0.3 });
  const written = await opened.write("lost", "canary", { rollout: 1 }, stale);
  expect(written.ok).toBe(false);
  const snapshot = await opened.read("lost");
  expect(rollouts(snapshot)).toEqual({ canary: 0.3 });
  expect(written.ok ? undefined : written.current).toEqual(snapshot.get("canary"));
}

async function createSucceeds(harness: StoreHarness): Promise<void> {
  await harness.seed("create", { canary: 0.25 });
  await using opened = await use(harness);
  const revision = won(await opened.write("create", "blue", { rollout: 0.1 }, null));
  const snapshot = await opened.read("create");
  expect(rollouts(snapshot)).toEqual({ canary: 0.25, blue: 0.1 });
  expect(revisionOf(snapshot, "blue")).toBe(revision);
  won(await opened.write("create-the-application", "canary", { rollout: 0.2 }, null));
  expect(rollouts(await opened.read("create-the-application"))).toEqual({ canary: 0.2 });
}

async function createLost(harness: StoreHarness): Promise<void> {
  await harness.seed("create-lost", { canary: 0.25 });
  await using opened = await use(harness);
  const written = await opened.write("create-lost", "canary", { rollout: 1 }, null);
  expect(written.ok).toBe(false);
  expect(rolloutOf(written.ok ? undefined : written.current?.value)).toBe(0.25);
}

async function writeGone(harness: StoreHarness): Promise<void> {
  await harness.seed("gone", { canary: 0.25, blue: 0.1 });
  await using opened = await use(harness);
  const revision = revisionOf(await opened.read("gone"), "canary");
  await harness.seed("gone", { blue: 0.1 });
  const written = await opened.write("gone", "canary", { rollout: 1 }, revision);
  expect(written).toEqual({ ok: false, current: undefined });
  expect(rollouts(await opened.read("gone"))).toEqual({ blue: 0.1 });
}

async function twoWriters(harness: StoreHarness): Promise<void> {
  await harness.seed("race", { canary: 0 });
  await using one = await use(harness);
  await using two = await use(harness);
  let revision = revisionOf(await one.read("race"), "canary");
  for (let round = 1; round <= 8; round++) {
    const outcomes = await Promise.all(
      [one, two].map(({ write }, index) =>
        write("race", "canary", { rollout: round / 10 + index / 100 }, revision),
      ),
    );
    expect(outcomes.map(({ ok }) => ok).sort()).toEqual([false, true]);
    const winner = outcomes.findIndex(({ ok }) => ok);
    const snapshot = await one.read("race");
    expect(rollouts(snapshot)).toEqual({ canary: round / 10 + winner / 100 });
    revision = revisionOf(snapshot, "canary");
  }
}

async function removes(harness: StoreHarness): Promise<void> {
  await harness.seed("removed", { canary: 0.25, blue: 0.1 });
  await using opened = await use(harness);
  const stale = revisionOf(await opened.read("removed"), "canary");
  const revision = won(await opened.write("removed", "canary", { rollout: 0.5, note: "x" }, stale));
  const lost = await opened.remove("removed", "canary", stale);
  const current = (await opened.read("removed")).get("canary");
  expect(lost).toEqual({ ok: false, current });
  expect(await opened.remove("removed", "canary", revision)).toEqual({ ok: true });
  expect(rollouts(await opened.read("removed"))).toEqual({ blue: 0.1 });
  expect(await opened.remove("removed", "canary", revision)).toEqual({ ok: false, current: undefined });
  const last = revisionOf(await opened.read("removed"), "blue");
  expect(await opened.remove("removed", "blue", last)).toEqual({ ok: true });
  expect(await opened.read("removed")).toEqual(new Map());
  won(await opened.write("removed", "canary", { rollout: 0.75 }, null));
  expect((await opened.read("removed")).get("canary")?.value).not.toHaveProperty("note");
}

async function madeAgain(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  let revision: string | null = null;
  for (const rollout of [0.1, 0.2, 0.3]) {
    revision = won(await opened.write("again", "canary", { rollout }, revision));
  }
  const { position: before } = (await opened.read("again")).get("canary") ?? {};
  expect(await opened.remove("again", "canary", revision ?? "")).toEqual({ ok: true });
  won(await opened.write("again", "canary", { rollout: 0.4 }, null));
  const { position: after } = (await opened.read("again")).get("canary") ?? {};
  if (before !== undefined) expect(after).toBeGreaterThan(before);
  expect(rollouts(await opened.read("again"))).toEqual({ canary: 0.4 });
}

async function writerAndRemover(harness: StoreHarness): Promise<void> {
  await using one = await use(harness);
  await using two = await use(harness);
  for (let round = 0; round < 5; round++) {
    const revision = won(await one.write("removing", "canary", { rollout: 0.1 }, null));
    const [written, removed] = await Promise.all([
      one.write("removing", "canary", { rollout: 0.5 }, revision),
      two.remove("removing", "canary", revision),
    ]);
    expect(written.ok).toBe(!removed.ok);
    const snapshot = await one.read("removing");
    expect(rollouts(snapshot)).toEqual(written.ok ? { canary: 0.5 } : {});
    if (written.ok) await one.remove("removing", "canary", written.revision);
  }
}

async function unknownFields(harness: StoreHarness): Promise<void> {
  const signature = { updatedBy: "ada@test", updatedAt: "2026-01-02T03:04:05.000Z", why: "first" };
  const kept = { note: "by hand", plan: { steps: [0.1, 0.5, 1], paused: false }, ...signature };
  await harness.seed("fields", { canary: { rollout: 0.25, offset: 0.5, ...kept } });
  await using opened = await use(harness);
  const revision = revisionOf(await opened.read("fields"), "canary");
  const next = won(await opened.write("fields", "canary", { rollout: 0.5 }, revision));
  const value = (await opened.read("fields")).get("canary")?.value;
  expect(value).toEqual({ rollout: 0.5, offset: 0.5, ...kept });
  won(await opened.write("fields", "canary", { rollout: 0.5, offset: undefined }, next));
  expect((await opened.read("fields")).get("canary")?.value).toEqual({ rollout: 0.5, ...kept });
}

async function anyField(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  for (const name of ["revision", "application", "version", "fields", "canary", "__proto__"]) {
    const value = Object.fromEntries<unknown>([
      ["rollout", 0.5],
      [name, "mine"],
    ]) as RecordFields;
    const version = `with-${name}`;
    const outcome = await opened.write("names", version, value, null).catch((error: unknown) => error);
    const there = (await opened.read("names")).get(version);
    if (outcome instanceof Error) {
      expect(outcome).toMatchObject({ name: "StoreError", code: "refused" });
      expect(outcome.message).toContain(name);
      expect(there).toBeUndefined();
    } else {
      expect(there?.value).toEqual(value);
    }
  }
}

async function abortedRead(harness: StoreHarness): Promise<void> {
  await harness.seed("aborted", { canary: 0.25 });
  await using opened = await use(harness);
  expect(await reasonOf(opened.store.read("aborted", AbortSignal.abort()))).toBeInstanceOf(Error);
}

async function abortedWhileItHangs(harness: StoreHarness): Promise<void> {
  await harness.seed("aborted", { canary: 0.25 });
  await using opened = await use(harness);
  await givenUp(harness, (signal) => opened.store.read("aborted", signal));
}

/** The engine hangs, and 50 ms later the caller no longer wants the answer: the read ends. */
export async function givenUp(
  harness: StoreHarness,
  read: (signal: AbortSignal) => Promise<unknown> | undefined,
): Promise<void> {
  if (harness.hang === undefined) throw new Error("without hang skip this case, and say why");
  await harness.hang();
  try {
    const gaveUp = new AbortController();
    const startedAt = performance.now();
    const reading = read(gaveUp.signal);
    setTimeout(() => gaveUp.abort(), 50);
    expect(await reasonOf(reading)).toBeInstanceOf(Error);
    expect(performance.now() - startedAt).toBeLessThan(500);
  } finally {
    await harness.recover?.();
  }
}

async function closeDuringRead(harness: StoreHarness): Promise<void> {
  await harness.seed("closing", { canary: 0.25 });
  const store = await harness.open();
  const read = store.read("closing", AbortSignal.timeout(PROMPTLY_MS)).then(
    (snapshot) => rollouts(snapshot),
    (error: unknown) => error,
  );
  await within(PROMPTLY_MS, store.close());
  const outcome = await within(2 * PROMPTLY_MS, read);
  if (!(outcome instanceof Error)) expect(outcome).toEqual({ canary: 0.25 });
}

async function watchNudges(harness: StoreHarness): Promise<void> {
  await harness.seed("watched", { canary: 0.25 });
  await using opened = await use(harness);
  const nudges = watchOf(opened.store, "watched");
  await opened.read("watched");
  for (const rollout of [0.3, 0.4, 0.5]) {
    await nudges.quiet();
    const nudged = nudges.next();
    await harness.seed("watched", { canary: rollout });
    await nudged;
    expect(rollouts(await opened.read("watched"))).toEqual({ canary: rollout });
  }
  nudges.end();
}

async function watchEnds(harness: StoreHarness): Promise<void> {
  await harness.seed("unwatched", { canary: 0.25 });
  await using opened = await use(harness);
  const ended = watchOf(opened.store, "unwatched");
  const other = watchOf(opened.store, "unwatched");
  await ended.quiet();
  ended.end();
  const countBefore = ended.count;
  const nudged = other.next();
  await harness.seed("unwatched", { canary: 0.5 });
  await nudged;
  other.end();
  await harness.seed("unwatched", { canary: 0.75 });
  await Bun.sleep(QUIET_MS);
  expect(ended.count).toBe(countBefore);
}

async function listsApplications(harness: StoreHarness): Promise<void> {
  await harness.seed("listed", { canary: 0.25 });
  await harness.seed("listed too", { canary: 0.25, blue: 0.1 });
  await using opened = await use(harness);
  const names = await opened.store.applications?.(AbortSignal.timeout(10_000));
  expect(names).toEqual(expect.arrayContaining(["listed", "listed too"]));
  expect(new Set(names).size).toBe(names?.length as number);
}

async function initTwice(harness: StoreHarness): Promise<void> {
  await harness.seed("made", { canary: 0.25 });
  await using opened = await use(harness);
  for (let time = 0; time < 2; time++) {
    expect(await opened.store.init?.(AbortSignal.timeout(10_000))).toBeString();
  }
  expect(rollouts(await opened.read("made"))).toEqual({ canary: 0.25 });
}

async function remembers(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  let revision: string | null = null;
  for (const rollout of [0.1, 0.2, 0.3]) {
    const fields = { rollout, updatedBy: "ada@test", why: `to ${rollout}` };
    revision = won(await opened.write("past", "canary", fields, revision));
  }
  won(await opened.write("past", "blue", { rollout: 0.5 }, null));
  const past = (await opened.store.history?.("past", 3, AbortSignal.timeout(10_000))) ?? [];
  expect(past.map(({ version, value }) => [version, rolloutOf(value)])).toEqual([
    ["blue", 0.5],
    ["canary", 0.3],
    ["canary", 0.2],
  ]);
  expect(past[1]?.value).toMatchObject({ updatedBy: "ada@test", why: "to 0.3" });
  const all = await opened.store.history?.("past", 100, AbortSignal.timeout(10_000));
  expect(all?.length).toBe(4);
}

async function remembersRemovals(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  const blue = won(await opened.write("gone-past", "blue", { rollout: 0.5 }, null));
  const first = won(await opened.write("gone-past", "canary", { rollout: 0.1 }, null));
  await opened.remove("gone-past", "canary", first);
  const second = won(await opened.write("gone-past", "canary", { rollout: 0.2 }, null));
  await opened.remove("gone-past", "canary", second);
  await opened.remove("gone-past", "blue", blue);
  expect(await opened.read("gone-past")).toEqual(new Map());
  const past = (await opened.store.history?.("gone-past", 100, AbortSignal.timeout(10_000))) ?? [];
  expect(past.map(({ version, value }) => [version, rolloutOf(value)])).toEqual([
    ["blue", undefined],
    ["canary", undefined],
    ["canary", 0.2],
    ["canary", undefined],
    ["canary", 0.1],
    ["blue", 0.5],
  ]);
}

async function manyApplications(harness: StoreHarness): Promise<void> {
  const names = Array.from({ length: 10_000 }, (_, index) => `many-${index}`);
  if (harness.seedMany === undefined) throw new Error("without seedMany skip this case, and say why");
  await harness.seedMany(names, { canary: 0.25 });
  await using opened = await use(harness);
  const startedAt = performance.now();
  expect(rollouts(await opened.read("many-17"))).toEqual({ canary: 0.25 });
  expect(performance.now() - startedAt).toBeLessThan(PROMPTLY_MS);
}

async function manyTogether(harness: StoreHarness): Promise<void> {
  const names = Array.from({ length: 40 }, (_, index) => `together-${index}`);
  for (const [index, name] of names.slice(0, 20).entries()) {
    await harness.seed(name, { canary: index / 20, blue: { rollout: 0.5, offset: 0.25, failsafe: "hold" } });
  }
  const all = [...names, "together", "together-0/x", "é%", "__proto__"];
  await using opened = await use(harness);
  for (const asked of [all, names.slice(17, 22), names.slice(3, 4)]) {
    const read = await opened.readMany(asked);
    for (const name of asked) {
      const snapshot = read.get(name);
      if (!(snapshot instanceof Map)) throw new Error(`${name}: ${snapshot}`);
      expect(acted(snapshot)).toEqual(acted(await opened.read(name)));
    }
  }
}

async function manyUnchanged(harness: StoreHarness): Promise<void> {
  const names = Array.from({ length: 12 }, (_, index) => `kept-${index}`);
  for (const name of names) await harness.seed(name, { canary: 0.25 });
  await using opened = await use(harness);
  const before = await opened.readMany(names);
  const kept = names.map((name) => before.get(name));
  const again = await opened.readMany(names);
  expect(names.map((name) => again.get(name) === kept[names.indexOf(name)])).not.toContain(false);
  await harness.seed("kept-3", { canary: 0.5 });
  const after = await readUntil(opened, names, (read) => rolloutsOf(read.get("kept-3"))["canary"] === 0.5);
  expect(names.filter((name) => after.get(name) !== kept[names.indexOf(name)])).toEqual(["kept-3"]);
}

async function manyWithOneSpoilt(harness: StoreHarness): Promise<void> {
  if (harness.spoilOne === undefined) throw new Error("without spoilOne skip this case, and say why");
  const names = Array.from({ length: 20 }, (_, index) => `sound-${index}`);
  for (const name of names) await harness.seed(name, { canary: 0.25 });
  await harness.spoilOne("sound-7");
  await using opened = await use(harness);
  try {
    for (const asked of [names, names.slice(6, 9)]) {
      const read = await readUntil(opened, asked, (some) => some.get("sound-7") instanceof StoreError);
      expect(read.get("sound-7")).toMatchObject({ code: "malformed" });
      const others = asked.filter((name) => name !== "sound-7");
      for (const name of others) expect(rolloutsOf(read.get(name))).toEqual({ canary: 0.25 });
    }
  } finally {
    await harness.seed("sound-7", {});
  }
}

async function tenThousandTogether(harness: StoreHarness): Promise<void> {
  const names = Array.from({ length: 10_000 }, (_, index) => `many-${index}`);
  if (harness.seedMany === undefined) throw new Error("without seedMany skip this case, and say why");
  await harness.seedMany(names, { canary: 0.25 });
  await using opened = await use(harness);
  const startedAt = performance.now();
  const read = await opened.readMany(names);
  expect(performance.now() - startedAt).toBeLessThan(READ_TIMEOUT_MS);
  for (const name of names) {
    expect(read.get(name)).toBeInstanceOf(Map);
    if (rolloutsOf(read.get(name))["canary"] !== 0.25) throw new Error(name);
  }
}

const AWAY = Array.from({ length: 20 }, (_, index) => `away-${index}`);

async function manyAborted(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  await opened.readMany(AWAY);
  expect(await reasonOf(opened.store.readMany?.(AWAY, AbortSignal.abort()))).toBeInstanceOf(Error);
}

async function manyAbortedWhileItHangs(harness: StoreHarness): Promise<void> {
  await using opened = await use(harness);
  await opened.readMany(AWAY);
  await givenUp(harness, (signal) => opened.store.readMany?.(AWAY, signal));
}

async function manyWithoutEngine(harness: StoreHarness): Promise<void> {
  if (harness.leave === undefined) throw new Error("without leave skip this case, and say why");
  await using opened = await use(harness);
  await opened.readMany(AWAY);
  await harness.leave();
  try {
    expect(await reasonOf(opened.readMany(AWAY))).toBeInstanceOf(StoreError);
  } finally {
    await harness.recover?.();
  }
}

/** Reads again and again: what was written a moment ago may be found a moment later. */
async function readUntil(
  opened: Awaited<ReturnType<typeof use>>,
  names: readonly string[],
  isThere: (read: Snapshots) => boolean,
): Promise<Snapshots> {
  let read = await opened.readMany(names);
  await eventually(async () => {
    read = await opened.readMany(names);
    return isThere(read);
  }, "the change is read");
  return read;
}

function rolloutsOf(answer: Snapshot | StoreError | undefined): Record<string, unknown> {
  if (answer === undefined || answer instanceof StoreError) throw new Error(`no snapshot: ${answer}`);
  return rollouts(answer);
}

/** The part that a daemon acts upon. */
function acted(snapshot: Snapshot): unknown {
  return [...snapshot].map(([version, { value, position }]) => ({
    position,
    ...checkRecord(version, value),
  }));
}

async function megabyte(harness: StoreHarness): Promise<void> {
  const padding = "x".repeat(1024 * 1024);
  await using opened = await use(harness);
  await harness.seed("beside", { canary: 0.25 });
  const seeded = await harness.seed("huge", { canary: { rollout: 0.5, padding } }).then(
    () => true,
    () => false,
  );
  try {
    if (seeded) {
      const outcome = await opened.read("huge").then(rollouts, (error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toMatchObject({ name: "StoreError", code: "malformed" });
      else expect(outcome).toEqual({ canary: 0.5 });
    }
  } finally {
    await harness.seed("huge", {});
  }
  expect(rollouts(await opened.read("beside"))).toEqual({ canary: 0.25 });
}

async function positionsGrow(harness: StoreHarness): Promise<void> {
  await harness.seed("positions", { blue: 0.1 });
  await using opened = await use(harness);
  let revision: string | null = null;
  let before = Number.NEGATIVE_INFINITY;
  for (let write = 1; write <= 5; write++) {
    revision = won(await opened.write("positions", "canary", { rollout: write / 10 }, revision));
    const position = (await opened.read("positions")).get("canary")?.position ?? Number.NaN;
    expect(position).toBeGreaterThan(before);
    before = position;
  }
}

async function survivesFaults(harness: StoreHarness): Promise<void> {
  const { faults } = harness;
  if (faults === undefined) throw new Error("without a network skip this case, and say why");
  await harness.seed("faults", { canary: 0.25 });
  await using opened = await use(harness);
  expect(rollouts(await opened.read("faults"))).toEqual({ canary: 0.25 });
  for (const mode of ["refuse", "reset", "swallow", "slow", "cut", "garbage"] as const) {
    await faults.enter(mode);
    try {
      for (let read = 0; read < 3; read++) {
        const outcome = await within(
          READ_MS + PROMPTLY_MS,
          opened.store.read("faults", AbortSignal.timeout(READ_MS)).then(rollouts, (error: unknown) => error),
        );
        // Slow is not broken: what arrives whole is good.
        if (mode === "slow" && !(outcome instanceof Error)) expect(outcome).toEqual({ canary: 0.25 });
        else expect([mode, outcome]).toEqual([mode, expect.any(StoreError)]);
      }
    } finally {
      await faults.enter("pass");
    }
    const readAgain = () => opened.read("faults").then(rollouts, () => undefined);
    await eventually(async () => (await readAgain()) !== undefined, `reads after ${mode}`);
    expect(await readAgain()).toEqual({ canary: 0.25 });
  }
}

async function lostPush(harness: StoreHarness): Promise<void> {
  const { faults } = harness;
  if (faults === undefined) throw new Error("without a network skip this case, and say why");
  await harness.seed("silent", { canary: 0.25 });
  await using daemon = await follow(harness, "silent");
  await daemon.isAt(0.25);
  await harness.seed("silent", { canary: 0.5 });
  await daemon.isAt(0.5);
  faults.swallowOpen();
  const beganMs = performance.now();
  await harness.seed("silent", { canary: 0.75 });
  await daemon.isAt(0.75);
  // A store that reads over the silent connection as well has to notice that first.
  expect(performance.now() - beganMs).toBeLessThan(POLL_MS + SILENCE_MS);
  await harness.seed("silent", { canary: 0 });
  await daemon.isAt(0);
}

async function olderState(harness: StoreHarness): Promise<void> {
  await using operator = await use(harness);
  let revision = won(await operator.write("older", "canary", { rollout: 0.5 }, null));
  await backUp(harness, "older");
  for (const rollout of [0.25, 0]) {
    revision = won(await operator.write("older", "canary", { rollout }, revision));
  }
  const before = (await operator.read("older")).get("canary")?.position ?? Number.NaN;
  await using daemon = await follow(harness, "older");
  await daemon.isAt(0);
  await failOver(harness, "older", async () => {
    await eventually(() => daemon.refusals() >= 3, "the older state is refused, each time");
    expect(daemon.rollout.first.arcs).toMatchObject([{ version: "canary", rollout: 0 }]);
    // A writer there counts on from the older state. A count beyond the last values is newer.
    for (let position = Number.NaN; !(position > before); ) {
      const there = (await readAgain(operator, "older")).get("canary");
      if (Number.isNaN(position)) expect(rolloutOf(there?.value)).toBe(0.5);
      won(await operator.write("older", "canary", { rollout: 0.75 }, there?.revision ?? ""));
      position = (await operator.read("older")).get("canary")?.position ?? Number.NaN;
    }
    await daemon.isAt(0.75);
  });
}

async function olderDocument(harness: StoreHarness): Promise<void> {
  await harness.seed("put-back", { canary: 0 });
  await backUp(harness, "put-back");
  await harness.seed("put-back", { canary: 0.5 });
  await using daemon = await follow(harness, "put-back");
  await daemon.isAt(0.5);
  await failOver(harness, "older", async () => {
    await daemon.isAt(0);
    expect(daemon.refusals()).toBe(0);
  });
}

async function emptyEngine(harness: StoreHarness): Promise<void> {
  await harness.seed("emptied", { canary: { rollout: 0.5, failsafe: "hold" } });
  await backUp(harness, "emptied");
  await using daemon = await follow(harness, "emptied");
  await daemon.isAt(0.5);
  await failOver(harness, "empty", async () => {
    await eventually(() => daemon.rollout.first.arcs.length === 0, "no arcs");
    expect(daemon.refusals()).toBe(0);
  });
}

async function deniedAccess(harness: StoreHarness): Promise<void> {
  const denied = await harness.denied?.();
  if (denied === undefined) throw new Error("without passwords skip this case, and say why");
  const { store, secret } = denied;
  const read = store.read("denied", AbortSignal.timeout(READ_MS)).then(
    () => undefined,
    (error: unknown) => error,
  );
  const error = await within(READ_MS + PROMPTLY_MS, read);
  await store.close();
  expect(error).toMatchObject({ name: "StoreError", code: "denied" });
  expect(`${(error as Error).message} ${store.address} ${Bun.inspect(error)}`).not.toContain(secret);
}

async function outlastsRestart(harness: StoreHarness): Promise<void> {
  const { forDaemon } = harness;
  if (forDaemon === undefined || harness.leave === undefined) {
    throw new Error("if the engine cannot be away, skip this case, and say why");
  }
  const records = {
    canary: { rollout: 0.25, failsafe: "hold" },
    blue: { rollout: 0.25, offset: 0.5 },
  };
  await harness.seed("restarted", records);
  const home = new DaemonHome({
    application: "restarted",
    store: forDaemon.address,
    env: forDaemon.env ?? {},
    flags: ["-unhealthy", UNHEALTHY],
  });
  const becomes = (wanted: string) =>
    eventually(async () => {
      const where = await Promise.all(["0.1", "0.6", "0.9"].map((u) => home.ask(u)));
      return where.join() === wanted;
    }, wanted);
  let daemon = await home.start();
  const restart = async () => {
    await daemon.end("SIGKILL");
    daemon = await home.startStale();
  };
  try {
    await becomes("canary,blue,master");
    // Visitors come first: the snapshot is written a moment after they follow it.
    const saved = join(home.stateDirectory, "snapshot", "restarted.json");
    await eventually(() => existsSync(saved) && readFileSync(saved, "utf8").includes("blue"), "saved");
    await harness.leave();
    await restart();
    await becomes("canary,blue,master");
    await becomes("canary,master,master");
    await restart();
    await becomes("canary,master,master");
    await harness.recover?.();
    await becomes("canary,blue,master");
  } finally {
    await harness.recover?.();
    await daemon.end("SIGKILL");
    home.remove();
  }
}

async function engineLeaves(harness: StoreHarness): Promise<void> {
  await harness.seed("leaving", { canary: 0.25 });
  await using opened = await use(harness);
  await opened.read("leaving");
  await harness.leave?.();
  try {
    expect(await reasonOf(opened.read("leaving"))).toBeInstanceOf(StoreError);
  } finally {
    await harness.recover?.();
  }
  expect(rollouts(await opened.read("leaving"))).toEqual({ canary: 0.25 });
}

async function garbage(harness: StoreHarness): Promise<void> {
  await harness.seed("garbage", { canary: 0.25 });
  await using opened = await use(harness);
  await harness.spoil?.();
  try {
    // Not by `rejects`: bun waits there in a loop of its own, in which a long document takes many seconds.
    expect(await fails(opened.read("garbage"))).toMatchObject({ code: "malformed" });
  } finally {
    await harness.recover?.();
  }
  expect(rollouts(await opened.read("garbage"))).toEqual({ canary: 0.25 });
}

async function backUp(harness: StoreHarness, application: string): Promise<void> {
  if (harness.backUp === undefined) throw new Error("if nothing can fail over, skip this case, and say why");
  await harness.backUp(application);
}

/** Lets `look` see how it is after a fail-over, which is undone then. */
async function failOver(
  harness: StoreHarness,
  state: "empty" | "older",
  look: () => Promise<void>,
): Promise<void> {
  try {
    await harness.failOver?.(state);
    await look();
  } finally {
    await harness.recover?.();
  }
}

/** A feed that follows an application until the end of its case, over a store of its own. */
async function follow(harness: StoreHarness, application: string) {
  const store = await harness.open();
  const rollout = new Rollout([application], 60_000);
  const metrics = new Metrics(rollout.placements);
  let refusals = 0;
  const warn = (_: string, fields?: Fields) => {
    if (fields?.["code"] === "outdated") refusals++;
  };
  const feed = new Feed({ store, rollout, metrics, delayMs: POLL_MS, log: { ...silentLog, warn } });
  feed.start();
  return {
    rollout,
    /** How many reads were refused as older than one before. */
    refusals: () => refusals,
    isAt: (value: number) =>
      eventually(() => rollout.first.arcs.some((arc) => arc.rollout === value), `canary at ${value}`),
    async [Symbol.asyncDispose]() {
      await feed.close();
      await store.close();
    },
  };
}

/** Reads as soon as it can be read again. */
async function readAgain({ read }: Awaited<ReturnType<typeof use>>, application: string): Promise<Snapshot> {
  let snapshot: Snapshot | undefined;
  await eventually(async () => {
    snapshot = await read(application).catch(() => undefined);
    return snapshot !== undefined;
  }, `${application} is read again`);
  return snapshot ?? new Map();
}

/** A store that closes at the end of its case, with a time limit on all it does. */
async function use(harness: StoreHarness) {
  const store = await harness.open();
  const inTime = () => AbortSignal.timeout(10_000);
  const read = (application: string) => store.read(application, inTime());
  const write = async (
    application: string,
    version: string,
    fields: Readonly<Record<string, unknown>> & { readonly rollout: number },
    expected: string | null,
  ): Promise<Written> => {
    if (store.write === undefined)
      throw new Error(`${store.address} has no write: skip this case, and say why`);
    return store.write(application, version, fields, expected, inTime());
  };
  const remove = async (application: string, version: string, expected: string): Promise<Removed> => {
    if (store.remove === undefined)
      throw new Error(`${store.address} has no remove: skip this case, and say why`);
    return store.remove(application, version, expected, inTime());
  };
  const readMany = async (applications: readonly string[]): Promise<Snapshots> => {
    if (store.readMany === undefined)
      throw new Error(`${store.address} has no readMany: skip this case, and say why`);
    return store.readMany(applications, inTime());
  };
  return { store, read, readMany, write, remove, [Symbol.asyncDispose]: () => store.close() };
}

/** A watch whose nudges can be awaited. */
export function watchOf(store: Store, application: string) {
  let count = 0;
  let wake: () => void = () => {};
  const end = store.watch?.(application, () => {
    count++;
    wake();
  });
  if (end === undefined) throw new Error(`${store.address} has no watch: skip this case, and say why`);
  return {
    end,
    get count() {
      return count;
    },
    next: () => within(PROMPTLY_MS, new Promise<void>((resolve) => (wake = resolve))),
    /** Until no nudge of an earlier change can come any more. */
    async quiet() {
      for (let seen = -1; seen !== count; await Bun.sleep(QUIET_MS / 2)) seen = count;
    },
  };
}

export async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing happened within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function won(written: Written): string {
  if (!written.ok) throw new Error(`the write was lost to ${JSON.stringify(written.current)}`);
  return written.revision;
}

function revisionOf(snapshot: Snapshot, version: string): string {
  const revision = snapshot.get(version)?.revision;
  if (revision === undefined) throw new Error(`there is no ${version}`);
  return revision;
}

/** A bare number and `{ rollout }` mean the same. */
export function rollouts(snapshot: Snapshot): Record<string, unknown> {
  return Object.fromEntries([...snapshot].map(([version, { value }]) => [version, rolloutOf(value)]));
}

function rolloutOf(value: unknown): unknown {
  return typeof value === "object" && value !== null ? (value as { rollout?: unknown }).rollout : value;
}
