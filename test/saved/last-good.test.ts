import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Arc } from "../../src/circle.ts";
import type { Reading } from "../../src/feed/reading.ts";
import { writeAtomically } from "../../src/files/atomic-file.ts";
import { VERSIONS_MAX } from "../../src/records/check.ts";
import { LastGoodSnapshots } from "../../src/saved/last-good.ts";
import { KeptLog } from "../support/logged.ts";
import { reasonOf } from "../support/reason-of.ts";

const UNHEALTHY_MS = 8_000;
const NOON_MS = Date.parse("2026-01-02T12:00:00Z");

let directory: string;
let log: KeptLog;
let nowMs: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "last-good-"));
  log = new KeptLog();
  nowMs = NOON_MS;
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const ARCS: readonly Arc[] = [
  { version: "canary", rollout: 0.25, offset: 0.5, failsafe: "hold" },
  { version: "maintenance", rollout: 0, offset: 0, failsafe: "master" },
];

function reading(arcs = ARCS, options: Partial<Reading> = {}): Reading {
  return {
    application: "app",
    arcs,
    malformed: new Set(),
    snapshot: new Map(),
    ageMs: 0,
    isSame: false,
    ...options,
  };
}

function open(): LastGoodSnapshots {
  return openAt(directory);
}

function openAt(stateDirectory: string): LastGoodSnapshots {
  return new LastGoodSnapshots({
    ...{ stateDirectory, log, store: "file:/here", application: "app" },
    ...{ unhealthyMs: UNHEALTHY_MS, now: () => nowMs },
  });
}

async function saved(...readings: Reading[]): Promise<void> {
  const snapshots = open();
  for (const each of readings) snapshots.save(each);
  await snapshots.close();
}

function pathOf(application: string): string {
  return join(directory, "snapshot", `${application}.json`);
}

test("a saved snapshot comes back with its age", async () => {
  await saved(reading());
  nowMs += 3_000;
  expect(await open().load("app")).toEqual({ arcs: ARCS, ageMs: 3_000 });
});

test("its age counts from the moment at which the store was asked", async () => {
  await saved(reading(ARCS, { ageMs: 4_000 }));
  expect(await open().load("app")).toMatchObject({ ageMs: 4_000 });
});

test("each application has its own", async () => {
  const web = [{ ...(ARCS[0] as Arc), rollout: 1 }];
  await saved(reading(), reading(web, { application: "web" }));
  expect(await open().load("app")).toMatchObject({ arcs: ARCS });
  expect(await open().load("web")).toMatchObject({ arcs: web });
  expect(await open().load("nobody")).toBeUndefined();
  expect(log.entries).toEqual([]);
});

describe("when the clock jumps", () => {
  test("back, the age is unknown", async () => {
    await saved(reading());
    nowMs -= 1;
    expect(await open().load("app")).toEqual({ arcs: ARCS, ageMs: Number.POSITIVE_INFINITY });
  });

  test("forward, the snapshot is as old as it looks", async () => {
    await saved(reading());
    nowMs += 365 * 86_400_000;
    expect(await open().load("app")).toMatchObject({ ageMs: 365 * 86_400_000 });
  });

  test("back, readings are still saved", async () => {
    const snapshots = open();
    snapshots.save(reading([]));
    nowMs -= 3_600_000;
    snapshots.save(reading());
    await snapshots.close();
    expect(await open().load("app")).toEqual({ arcs: ARCS, ageMs: 0 });
  });
});

describe("garbage is ignored, and logged", () => {
  const at = new Date(NOON_MS).toISOString();
  test.each([
    ...["", "{", "null", "[]", "1", '"x"', "{}", '{"readAt":"yesterday","records":{}}', `{"readAt":"${at}"}`],
    ...[`{"readAt":"${at}","records":null}`, `{"readAt":"${at}","records":7}`, '{"records":{"canary":1}}'],
    ...[`{"readAt":"${at}","records":{},"x":"${"x".repeat(1024 * 1024)}"}`],
  ])("%#", async (text) => {
    const snapshots = open();
    writeFileSync(pathOf("app"), text);
    expect(await snapshots.load("app")).toBeUndefined();
    expect(log.at("warn")).toHaveLength(1);
  });

  test("a record that cannot be used is left out, and the others count", async () => {
    const snapshots = open();
    const records = { canary: 2, b: { rollout: 0.5 }, master: 1, c: "x" };
    writeFileSync(pathOf("app"), JSON.stringify({ store: "file:/here", readAt: at, records }));
    expect(await snapshots.load("app")).toEqual({
      arcs: [{ version: "b", rollout: 0.5, offset: 0, failsafe: "master" }],
      ageMs: 0,
    });
  });

  test("versions beyond the limit are left out", async () => {
    const snapshots = open();
    const records = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`v${index}`, 0.5]));
    writeFileSync(pathOf("app"), JSON.stringify({ store: "file:/here", readAt: at, records }));
    expect((await snapshots.load("app"))?.arcs).toHaveLength(VERSIONS_MAX);
  });

  test("a snapshot of another store is not used", async () => {
    const snapshots = open();
    const records = { canary: { rollout: 1, failsafe: "hold" } };
    writeFileSync(pathOf("app"), JSON.stringify({ store: "file:/there", readAt: at, records }));
    expect(await snapshots.load("app")).toBeUndefined();
  });

  test("a directory in place of the file is ignored", async () => {
    const snapshots = open();
    mkdirSync(pathOf("app"));
    expect(await snapshots.load("app")).toBeUndefined();
  });
});

describe("saving", () => {
  test("happens at most once a second, and the last reading is written at the end", async () => {
    const snapshots = open();
    const steps = [0.1, 0.2, 0.3].map((rollout) => [{ ...(ARCS[0] as Arc), rollout }]);
    snapshots.save(reading(steps[0]));
    while (readdirSync(join(directory, "snapshot")).join() !== "app.json") await Bun.sleep(1);
    nowMs += 999;
    snapshots.save(reading(steps[1]));
    snapshots.save(reading(steps[2]));
    expect(JSON.parse(readFileSync(pathOf("app"), "utf8")).records.canary.rollout).toBe(0.1);
    await snapshots.close();
    expect(await open().load("app")).toEqual({ arcs: steps[2] as Arc[], ageMs: 0 });
  });

  test("law 6: to a disk that refuses it is logged, and the daemon goes on", async () => {
    const snapshots = open();
    rmSync(join(directory, "snapshot"), { recursive: true });
    snapshots.save(reading());
    await snapshots.close();
    expect(log.at("warn")).toHaveLength(1);
    mkdirSync(join(directory, "snapshot"));
    nowMs += 1_000;
    snapshots.save(reading());
    await snapshots.close();
    expect(await open().load("app")).toMatchObject({ arcs: ARCS });
  });

  test("in a directory that cannot be created is refused at once", () => {
    writeFileSync(join(directory, "file"), "");
    expect(() => openAt(join(directory, "file"))).toThrow(/ENOTDIR|EEXIST/);
  });
});

describe("a snapshot that is read again unchanged", () => {
  const inode = (path: string) => statSync(path).ino;
  const same = (options: Partial<Reading> = {}) => reading(ARCS, { isSame: true, ...options });

  test("is not written again, and its age counts from its last read", async () => {
    const snapshots = open();
    snapshots.save(reading());
    await snapshots.close();
    const before = inode(pathOf("app"));
    nowMs += 60_000;
    snapshots.save(same());
    await snapshots.close();
    expect(inode(pathOf("app"))).toBe(before);
    nowMs += 3_000;
    expect(await open().load("app")).toEqual({ arcs: ARCS, ageMs: 3_000 });
  });

  test("is not written by the next process either", async () => {
    await saved(reading());
    const before = inode(pathOf("app"));
    nowMs += 60_000;
    await saved(reading());
    expect(inode(pathOf("app"))).toBe(before);
    expect(await open().load("app")).toEqual({ arcs: ARCS, ageMs: 0 });
  });

  test("has its time saved four times in -unhealthy, without anything else to do", async () => {
    const snapshots = open();
    const path = join(directory, "snapshot-times", "app.json");
    snapshots.save(reading());
    while (!existsSync(path)) await Bun.sleep(1);
    const before = inode(path);
    nowMs += UNHEALTHY_MS / 4 - 1;
    snapshots.save(same());
    await Bun.sleep(200);
    expect(inode(path)).toBe(before);
    nowMs += 1;
    snapshots.save(same());
    while (inode(path) === before) await Bun.sleep(1);
    expect(await open().load("app")).toMatchObject({ ageMs: 0 });
    await snapshots.close();
  });

  test("gives its time to no other application, and to none whose arcs are not on the disk", async () => {
    await saved(reading([], { application: "gone" }), reading([], { application: "stuck" }));
    rmSync(pathOf("stuck"));
    mkdirSync(pathOf("stuck"));
    nowMs += 60_000;
    await saved(reading(), reading(ARCS, { application: "stuck" }));
    rmSync(pathOf("stuck"), { recursive: true });
    writeFileSync(pathOf("stuck"), readFileSync(pathOf("gone")));
    expect(await open().load("gone")).toMatchObject({ ageMs: 60_000 });
    expect(await open().load("stuck")).toMatchObject({ ageMs: 60_000 });
    expect(await open().load("app")).toMatchObject({ ageMs: 0 });
  });

  test("is as old as its own file says if the times are garbage, or another store's", async () => {
    await saved(reading());
    nowMs += 60_000;
    const path = join(directory, "snapshot-times", "app.json");
    const readAt = new Date(nowMs).toISOString();
    const reads = [{ readAt, applications: ["app"] }];
    for (const text of ["", "null", "{", '{"reads":7}', JSON.stringify({ store: "file:/there", reads })]) {
      writeFileSync(path, text);
      expect(await open().load("app")).toMatchObject({ ageMs: 60_000 });
    }
    writeFileSync(path, JSON.stringify({ store: "file:/here", reads: [null, 7, { readAt: "x" }, ...reads] }));
    expect(await open().load("app")).toMatchObject({ ageMs: 0 });
  });
});

describe("a file that is written atomically", () => {
  test("is complete for every reader at every moment, with many writers", async () => {
    const path = join(directory, "file");
    const texts = ["a", "b", "c"].map((letter) => letter.repeat(200_000));
    await writeAtomically(path, texts[0] as string);
    let isWriting = true;
    const writers = Promise.all(
      texts.map(async (text) => {
        for (let i = 0; i < 30; i++) await writeAtomically(path, text);
      }),
    ).finally(() => {
      isWriting = false;
    });
    while (isWriting) {
      expect(texts.includes(readFileSync(path, "utf8"))).toBeTrue();
      await Bun.sleep(0);
    }
    await writers;
    expect(readdirSync(directory)).toEqual(["file"]);
  });

  test("leaves nothing behind when it fails", async () => {
    mkdirSync(join(directory, "taken"));
    expect(await reasonOf(writeAtomically(join(directory, "taken"), "x"))).toBeInstanceOf(Error);
    expect(readdirSync(directory)).toEqual(["taken"]);
  });
});
