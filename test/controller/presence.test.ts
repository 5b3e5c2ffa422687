/** Controllers tell each other that they lead a release. */

import { describe, expect, test } from "bun:test";
import { isPresence, type News, type Presence } from "../../src/evidence/news.ts";
import { newsIn, newsLine } from "../../src/evidence/news-lines.ts";
import { type Store, StoreError } from "../../src/stores/store.ts";
import { Fleet } from "./fleet.ts";

const MINUTE_MS = 60_000;

const newsOf = (fleet: Fleet): News[] =>
  newsIn(fleet.store.batches({ application: "website", key: fleet.release().key }));

const presencesOf = (fleet: Fleet, name?: string): Presence[] =>
  newsOf(fleet).flatMap((news) =>
    news.kind === "presence" && (name === undefined || news.name === name) ? [news] : [],
  );

describe("a controller", () => {
  test("whose writes the store refuses says so before anything is due, and leads as soon as it may", async () => {
    const fleet = new Fleet();
    let isDenied = true;
    const { store } = fleet;
    const follower: Store = {
      ...{ address: "memory:", evidence: store.evidence, close: async () => {} },
      read: (application, signal) => store.read(application, signal),
      async write(...write) {
        if (isDenied) throw new StoreError("denied", "no rights");
        return store.write(...write);
      },
    };
    const daemon = await fleet.daemon("web-1", undefined, { store: follower });
    const other = await fleet.daemon("web-2");
    fleet.start("1%:1h,100%:1m");
    await fleet.pass(5_000);
    const kinds = () =>
      newsOf(fleet).flatMap((news) => (isPresence(news) ? [`${news.kind} ${news.name}`] : []));
    expect(kinds().sort()).toEqual(["presence web-2", "unable web-1"]);
    await fleet.pass(10_000);
    expect(other.controller.view().releases).toMatchObject([{ ledBy: ["web-2"], unable: ["web-1"] }]);
    expect(daemon.controller.view()).toMatchObject({ problem: expect.stringContaining("no rights") });
    expect(daemon.log.at("error")).toHaveLength(1);
    isDenied = false;
    await fleet.pass(40_000);
    expect(other.controller.view().releases).toMatchObject([{ ledBy: ["web-1", "web-2"], unable: [] }]);
    await daemon.stop();
    await other.stop();
  });

  test("tells within 5 s of each new seq that it leads, and then every 30 s", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("1%:1h,100%:1m");
    await fleet.pass(5_000);
    expect(presencesOf(fleet)).toMatchObject([{ name: "web-1", seq: 1 }]);
    fleet.ask({ verb: "pause", key, reason: undefined });
    await fleet.pass(5_000);
    expect(presencesOf(fleet).map(({ seq }) => seq)).toEqual([1, 2]);
    await fleet.pass(3 * MINUTE_MS);
    expect(presencesOf(fleet).length).toBeWithin(8, 11);
    const times = presencesOf(fleet).map(({ atMs }) => atMs);
    expect(times.at(-1)).toBeWithin(fleet.nowMs - 31_000, fleet.nowMs + 1);
    const beats = presencesOf(fleet).map(({ beat }) => beat);
    expect(beats).toEqual(beats.toSorted((a, b) => a - b));
    expect(new Set(beats).size).toBe(beats.length);
    await daemon.stop();
  });

  test("REL-21: tells the offset of its clock, and the reports that it could not take", async () => {
    const fleet = new Fleet();
    fleet.storeSkewMs = 250;
    fleet.dropped = 4;
    const daemon = await fleet.daemon("web-1", undefined, { wallClock: () => fleet.nowMs - 1_000 });
    fleet.start("1%:1h,100%:1m");
    await fleet.pass(5_000);
    expect(presencesOf(fleet)).toMatchObject([{ aheadMs: 1_250, dropped: 4 }]);
    fleet.dropped = 9;
    await fleet.pass(31_000);
    expect(presencesOf(fleet).at(-1)).toMatchObject({ aheadMs: 1_250, dropped: 9 });
    await daemon.stop();
  });

  test("REL-21: on a store without a clock tells no offset", async () => {
    const fleet = new Fleet({ hasClock: false });
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:1h,100%:1m");
    await fleet.pass(5_000);
    expect(presencesOf(fleet).map(({ aheadMs, dropped }) => [aheadMs, dropped])).toEqual([[undefined, 0]]);
    await daemon.stop();
  });

  test("sees the others within seconds, and the end of one within 100 s", async () => {
    const fleet = new Fleet();
    const daemons = [await fleet.daemon("web-2"), await fleet.daemon("web-1"), await fleet.daemon("web-3")];
    fleet.start("1%:1h,100%:1m");
    await fleet.pass(10_000);
    const ledBy = () => daemons.map(({ controller }) => controller.view().releases[0]?.ledBy.join());
    expect(ledBy()).toEqual(Array(3).fill("web-1,web-2,web-3"));
    await daemons.pop()?.stop();
    await fleet.pass(130_000);
    expect(ledBy()).toEqual(Array(2).fill("web-1,web-2"));
    for (const daemon of daemons) await daemon.stop();
  });

  test("does not take those for leaders whose presence it found, and that are gone", async () => {
    const fleet = new Fleet();
    const first = await fleet.daemon("web-1");
    fleet.start("1%:1h,100%:1m");
    await fleet.pass(10_000);
    await first.stop();
    await fleet.pass(5 * MINUTE_MS);
    const second = await fleet.daemon("web-2");
    await fleet.pass(10_000);
    expect(second.controller.view().releases[0]?.ledBy).toEqual(["web-2"]);
    await second.stop();
  });

  test("that starts again is seen at once, also if its clock went back by hours", async () => {
    const fleet = new Fleet({ hasClock: false });
    const watcher = await fleet.daemon("web-2");
    const first = await fleet.daemon("web-1");
    fleet.start("1%:1h,100%:1m");
    await fleet.pass(MINUTE_MS);
    await first.stop();
    await fleet.pass(3 * MINUTE_MS);
    expect(watcher.controller.view().releases[0]?.ledBy).toEqual(["web-2"]);
    const again = await fleet.daemon("web-1", undefined, { wallClock: () => fleet.nowMs - 7_200_000 });
    await fleet.pass(25_000);
    expect(watcher.controller.view().releases[0]?.ledBy).toEqual(["web-1", "web-2"]);
    await again.stop();
    await watcher.stop();
  });

  test("reads a long log to its end, in several calls, and knows its age only then", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("1%:1h+ok,100%:1m");
    const at = { application: "website", key };
    const names = Array.from({ length: 20 }, (_, index) => `far-${index + 10}`);
    const lines = names.map((name) =>
      newsLine({ kind: "presence", name, beat: 1, atMs: fleet.nowMs, seq: 1 }),
    );
    await fleet.store.evidence.append(at, lines, AbortSignal.timeout(1_000));
    fleet.store.evidence.read = async (log, cursor) => {
      const from = Number(cursor ?? 0);
      const all = fleet.store.batches(log);
      return { batches: all.slice(from, from + 1), cursor: String(from + 1), hasMore: from + 1 < all.length };
    };
    const evidence = () =>
      daemon.controller.view().releases[0]?.waits.find(({ kind }) => kind === "evidence")?.state;
    await fleet.pass(100);
    expect(evidence()).toBe("waiting");
    await fleet.pass(10_000);
    expect(evidence()).toBe("met");
    expect(daemon.controller.view().releases[0]?.ledBy).toEqual([...names, "web-1"]);
    fleet.store.evidence.read = () => Promise.reject(new StoreError("unavailable", "no answer"));
    await fleet.pass(35_000);
    expect(evidence()).toBe("waiting");
    await daemon.stop();
  });

  test("keeps news that the store refuses, and tries again with longer waits", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { append } = fleet.store.evidence;
    let tries = 0;
    fleet.store.evidence.append = () => {
      tries++;
      return Promise.reject(new StoreError("unavailable", "no answer"));
    };
    const { key } = fleet.start("1%:1h,100%:1m");
    await fleet.pass(10_000);
    fleet.store.before = () => {
      throw new StoreError("unavailable", "no answer");
    };
    daemon.controller.verdict("website", "canary", key, "errors");
    await fleet.pass(10 * MINUTE_MS);
    expect(tries).toBeWithin(8, 40);
    fleet.store.evidence.append = append;
    await fleet.pass(MINUTE_MS);
    const told = newsOf(fleet).filter(({ kind }) => kind === "override");
    expect(told).toEqual([{ kind: "override", name: "web-1", reason: "errors" }]);
    await daemon.stop();
  });
});

describe("if no daemon can lead", () => {
  test("the log says so once after 90 s, with the remedy, and the view too", async () => {
    const fleet = new Fleet();
    const extras: string[] = [];
    const notices = {
      look() {},
      extra: (_: unknown, extra: string) => extras.push(extra),
      close: async () => {},
    };
    const daemon = await fleet.daemon("web-1", undefined, { notices });
    fleet.start("1%:10s,100%:1m");
    fleet.store.before = () => {
      throw new StoreError("denied", "permission denied for table maxwells_daemon");
    };
    await fleet.pass(20_000);
    expect(daemon.log.at("error")).toMatchObject([
      {
        message: "the store refuses the writes of this daemon, so it can advance no release",
        fields: { remedy: expect.stringContaining("-releases off") },
      },
    ]);
    expect(daemon.controller.view().problem).toContain("permission denied");
    await fleet.pass(5 * MINUTE_MS);
    expect(daemon.log.at("error").map(({ message }) => message)).toEqual([
      expect.anything(),
      "no daemon leads release 8 of website: it does not go forward",
    ]);
    expect(daemon.controller.view().releases).toMatchObject([{ isUnled: true, ledBy: [] }]);
    expect(extras[0]).toBe("nobody_leads");
    // One that cannot write does not say that it leads.
    expect(presencesOf(fleet).length).toBeLessThan(3);
    fleet.store.before = undefined;
    await fleet.pass(2 * MINUTE_MS);
    expect(fleet.short()).toBe("promoted 2 100%");
    expect(daemon.controller.view()).toMatchObject({ problem: undefined, releases: [{ isUnled: false }] });
    await daemon.stop();
  });

  test("because its write was refused, it leads again within a minute after it got the rights", async () => {
    const fleet = new Fleet();
    const denied = await fleet.daemon("web-1");
    const { key } = fleet.start("1%:10s,5%:1h,100%:1m");
    fleet.store.before = () => {
      throw new StoreError("denied", "permission denied for table maxwells_daemon");
    };
    await fleet.pass(MINUTE_MS);
    expect(denied.controller.view().problem).toContain("permission denied");
    // A person goes on by hand, so nothing is due for an hour, and no write of the release is tried.
    fleet.store.before = undefined;
    const pin = { key, step: 1, seq: 1 };
    fleet.ask({ verb: "promote", pin, to: undefined, resume: false });
    fleet.store.before = () => {
      throw new StoreError("denied", "permission denied for table maxwells_daemon");
    };
    const value = fleet.store.value("website", "canary");
    await fleet.pass(10 * MINUTE_MS);
    expect(denied.controller.view().problem).toContain("permission denied");
    const before = presencesOf(fleet).length;
    fleet.store.before = undefined;
    await fleet.pass(40_000);
    expect(denied.controller.view()).toMatchObject({ problem: undefined, releases: [{ ledBy: ["web-1"] }] });
    expect(denied.log.at("info").map(({ message }) => message)).toContainEqual(
      expect.stringContaining("takes the writes of this daemon again"),
    );
    expect(presencesOf(fleet).length).toBeGreaterThan(before);
    expect(fleet.store.value("website", "canary")).toEqual(value);
    await denied.stop();
  });

  test("a trial that was wrong is not believed again", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:10s,100%:1m");
    // The login may create records, and may not change one.
    const { write } = fleet.store;
    fleet.store.write = async (application, version, fields, expected, signal) => {
      if (expected !== null) throw new StoreError("denied", "permission denied to update");
      return write.call(fleet.store, application, version, fields, expected, signal);
    };
    await fleet.pass(20 * MINUTE_MS);
    const messages = daemon.log.entries.filter(({ message }) => message.includes("writes of this daemon"));
    expect(messages.map(({ level }) => level)).toEqual(["error", "info", "error"]);
    expect(daemon.controller.view().problem).toContain("permission denied");
    fleet.store.write = write;
    await fleet.pass(2 * MINUTE_MS);
    expect(fleet.short()).toBe("promoted 2 100%");
    expect(daemon.controller.view().problem).toBeUndefined();
    await daemon.stop();
  });

  test("because the store is read-only, the log says so at the start, and the daemon reads nothing", async () => {
    const fleet = new Fleet();
    const { store } = fleet;
    const readOnly = { address: "memory:", read: store.read.bind(store), close: async () => {} };
    const daemon = await fleet.daemon("web-1", undefined, { store: readOnly });
    fleet.start("1%:10s,100%:1m");
    await fleet.pass(MINUTE_MS);
    expect(daemon.log.entries).toMatchObject([
      {
        level: "warn",
        message: expect.stringContaining("read-only"),
        fields: { remedy: expect.any(String) },
      },
    ]);
    expect(daemon.controller.view().problem).toContain("read-only");
    expect(fleet.time.pending).toBe(1);
    await daemon.stop();
  });

  test("because the store keeps no evidence, this daemon leads alone, and says so at the start", async () => {
    const fleet = new Fleet();
    Object.assign(fleet.store, { evidence: undefined });
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:10s,100%:1m");
    await fleet.pass(MINUTE_MS);
    expect(daemon.log.at("warn")).toMatchObject([
      { message: expect.stringContaining("must be the only one") },
    ]);
    expect(fleet.short()).toBe("promoted 2 100%");
    expect(daemon.controller.view().releases[0]?.ledBy).toEqual(["web-1"]);
    await daemon.stop();
  });
});
