/** The evidence of notices, with a store in memory whose faults are the test's. */

import { describe, expect, test } from "bun:test";
import type { Told } from "../../src/evidence/news.ts";
import { newsIn, newsLine } from "../../src/evidence/news-lines.ts";
import { GATHER_MS, ToldLog } from "../../src/notices/told-log.ts";
import { BATCH_BYTES_MAX, BATCHES_MAX, type Evidence, type EvidenceLog } from "../../src/stores/evidence.ts";
import { StoreError } from "../../src/stores/store.ts";
import { KEY, OTHER_KEY } from "../releases/world.ts";
import { eventually } from "../support/eventually.ts";
import { KeptLog } from "../support/logged.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { HandTimers } from "./hand-timers.ts";

const AT: EvidenceLog = { application: "website", key: KEY };

const told = (seq: number): Told => ({ kind: "told", seq, atMs: 1_764_417_600_000 + seq, to: "1f0c9a3e" });

function toldLog(evidence: Evidence) {
  const [timers, log] = [new HandTimers(), new KeptLog()];
  return { told: new ToldLog({ evidence, timers, log }), timers, log };
}

const read = (log: ToldLog, at = AT) => log.read(at, AbortSignal.timeout(5_000));

const keptIn = (store: MemoryStore, at = AT) => newsIn(store.batches(at));

describe("reading", () => {
  test("finds what other daemons have told, and nothing else", async () => {
    const store = new MemoryStore();
    const presence = newsLine({ kind: "presence", name: "web-2", beat: 1, atMs: 0, seq: 1 });
    await store.evidence.append(
      AT,
      [`${newsLine(told(1))}\n${presence}`, "rubbish"],
      AbortSignal.timeout(1_000),
    );
    const { told: log } = toldLog(store.evidence);
    expect(await read(log)).toEqual([told(1)]);
    expect(await read(log, { ...AT, key: OTHER_KEY })).toEqual([]);
  });

  test("goes on where it ended, and to the end", async () => {
    const cursors: (string | undefined)[] = [];
    const evidence: Evidence = {
      append: async () => {},
      async read(_at, cursor) {
        cursors.push(cursor);
        const at = Number(cursor ?? 0);
        return { batches: [newsLine(told(at + 1))], cursor: String(at + 1), hasMore: at < 2 };
      },
    };
    const { told: log } = toldLog(evidence);
    expect((await read(log)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect((await read(log)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(cursors).toEqual([undefined, "1", "2", "3"]);
  });

  test("of a log without an end is ended by its signal, and goes on from there", async () => {
    let reads = 0;
    const ending = new AbortController();
    const evidence: Evidence = {
      append: async () => {},
      async read() {
        reads++;
        if (reads === 5) ending.abort();
        return { batches: [newsLine(told(reads))], cursor: String(reads), hasMore: reads < 6 };
      },
    };
    const { told: log } = toldLog(evidence);
    expect(log.read(AT, ending.signal)).rejects.toThrow();
    await eventually(() => reads === 5, "the signal ends it");
    expect((await read(log)).length).toBe(6);
  });
});

describe("adding", () => {
  test("gathers what is told within a moment, for each release by itself", async () => {
    const store = new MemoryStore();
    const { told: log, timers } = toldLog(store.evidence);
    for (const seq of [1, 2, 3]) log.add(AT, told(seq));
    log.add({ ...AT, key: OTHER_KEY }, told(1));
    expect(store.calls.append).toBe(0);
    await timers.fire((ms) => ms === GATHER_MS, "the moment to gather");
    await eventually(() => store.calls.append === 2, "two appends");
    expect(keptIn(store)).toEqual([told(1), told(2), told(3)]);
    expect(keptIn(store, { ...AT, key: OTHER_KEY })).toEqual([told(1)]);
    await eventually(() => timers.running.length === 0, "it sleeps");
    expect(await read(log)).toEqual([told(1), told(2), told(3)]);
  });

  test("is tried again with longer pauses if the store fails, and the log says what follows", async () => {
    const store = new MemoryStore();
    let failures = 3;
    const evidence: Evidence = {
      read: store.evidence.read,
      append(at, batches, signal) {
        if (failures-- > 0) throw new StoreError("denied", "no rights");
        return store.evidence.append(at, batches, signal);
      },
    };
    const { told: log, timers, log: kept } = toldLog(evidence);
    log.add(AT, told(1));
    await timers.fire((ms) => ms === GATHER_MS, "the moment to gather");
    for (const ms of [1_000, 2_000, 4_000]) await timers.fire((each) => each === ms, `a pause of ${ms} ms`);
    await eventually(() => keptIn(store).length === 1, "it is kept");
    expect(kept.at("warn")).toHaveLength(3);
    expect(kept.at("warn")[0]).toMatchObject({
      message: expect.stringContaining("a notice may come twice"),
      fields: { application: "website", remedy: expect.stringContaining("the rights of a controller") },
    });
  });

  test("any number fits into calls of the size that a store takes", async () => {
    const store = new MemoryStore();
    const evidence: Evidence = {
      read: store.evidence.read,
      append(at, batches, signal) {
        expect(batches.length).toBeWithin(1, BATCHES_MAX + 1);
        for (const batch of batches) expect(Buffer.byteLength(batch)).toBeLessThanOrEqual(BATCH_BYTES_MAX);
        return store.evidence.append(at, batches, signal);
      },
    };
    const { told: log, timers } = toldLog(evidence);
    for (let seq = 1; seq <= 2_400; seq++) log.add(AT, { ...told(seq), extra: "x".repeat(80) });
    for (let call = 1; call <= 6; call++) {
      await timers.fire((ms) => ms === GATHER_MS, "the moment to gather");
      await eventually(() => keptIn(store).length === 400 * call, "the next ones are kept");
    }
  });
});

describe("closing", () => {
  test("adds what waits", async () => {
    const store = new MemoryStore();
    const { told: log, timers } = toldLog(store.evidence);
    log.add(AT, told(1));
    await log.close();
    expect([keptIn(store), timers.running]).toEqual([[told(1)], []]);
  });

  test("ends although the store hangs", async () => {
    const evidence: Evidence = { read: () => new Promise(() => {}), append: () => new Promise(() => {}) };
    const { told: log, timers } = toldLog(evidence);
    log.add(AT, told(1));
    const closed = log.close();
    await timers.fire((ms) => ms === 500, "the time limit of closing");
    await closed;
    await eventually(() => timers.running.length === 0, "no timer is left");
  });
});
