/** Law 17: the store may go back to an older state. */

import { describe, expect, test } from "bun:test";
import { StoreError } from "../../src/stores/store.ts";
import { FREEZE } from "../../src/verbs/freeze.ts";
import { Fleet, homeOf } from "./fleet.ts";

const MINUTE_MS = 60_000;

describe("REL-19, law 17: a store that goes back", () => {
  test("to before an abort gets the abort again at once, also from a daemon that was restarted", async () => {
    for (const isRestarted of [false, true]) {
      const fleet = new Fleet();
      const home = homeOf();
      let daemon = await fleet.daemon("web-1", home);
      const { key } = fleet.start("5%:1h,100%:1m");
      await fleet.pass(10_000);
      const before = fleet.store.values("website");
      fleet.ask({ verb: "abort", key, reason: undefined });
      await fleet.pass(10_000);
      if (isRestarted) {
        await daemon.stop();
        daemon = await fleet.daemon("web-1", home);
        await fleet.pass(10_000);
      }
      fleet.store.restore("website", before);
      await fleet.pass(10);
      expect([fleet.short(), fleet.release().reason]).toEqual(["aborted 1 0%", "store-went-back"]);
      await fleet.pass(MINUTE_MS);
      // Each process has tried its rights once.
      expect(fleet.store.calls.write).toBe(isRestarted ? 3 : 2);
      await daemon.stop();
    }
  });

  test("to an earlier step pauses the release with the reason, and a person goes on from there", async () => {
    const fleet = new Fleet();
    const daemons = [await fleet.daemon("a"), await fleet.daemon("b")];
    const { key } = fleet.start("1%:10s,5%:1h,100%:1m");
    await fleet.pass(5_000);
    const before = fleet.store.values("website");
    await fleet.pass(10_000);
    expect(fleet.short()).toBe("running 2 5%");
    const { seq } = fleet.release();
    fleet.store.restore("website", before);
    await fleet.pass(2_100);
    expect([fleet.short(), fleet.release().reason]).toEqual(["paused 1 1%", "store-went-back"]);
    expect(fleet.release().seq).toBe(seq + 1);
    await fleet.pass(10 * MINUTE_MS);
    expect(fleet.short()).toBe("paused 1 1%");
    fleet.ask({ verb: "resume", pin: { key, step: 1 } });
    await fleet.pass(12_100);
    expect(fleet.short()).toBe("running 2 5%");
    for (const daemon of daemons) await daemon.stop();
  });

  test("to a state without a release, and forward again, does not go on from an older state", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:10s,5%:10m,100%:1m");
    await fleet.pass(5_000);
    const before = fleet.store.values("website");
    await fleet.pass(10_000);
    fleet.store.restore("website", new Map([["canary", { rollout: 0 }]]));
    await fleet.pass(10_000);
    fleet.store.restore("website", before);
    await fleet.pass(2_100);
    expect([fleet.short(), fleet.release().reason]).toEqual(["paused 1 1%", "store-went-back"]);
    await daemon.stop();
  });

  test("and is refused by the feed as an older state gets the abort again all the same", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("5%:1h,100%:1m");
    await fleet.pass(10_000);
    const before = fleet.store.values("website");
    fleet.ask({ verb: "abort", key, reason: undefined });
    await fleet.pass(10_000);
    daemon.blind();
    fleet.store.restore("website", before);
    const reads = fleet.store.calls.read;
    for (let failure = 0; failure < 10; failure++) {
      daemon.controller.failed("website", new StoreError("outdated", "canary went back"));
      daemon.controller.failed("website", new StoreError("unavailable", "no answer"));
      daemon.controller.failed("shop", new StoreError("outdated", "canary went back"));
    }
    await fleet.pass(100);
    expect(fleet.short()).toBe("aborted 1 0%");
    expect(fleet.store.calls.read - reads).toBe(2);
    await daemon.stop();
  });

  test("after only a look before a write saw the abort gets the abort again", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("1%:10s,5%:1h,100%:1m");
    await fleet.pass(8_000);
    const before = fleet.store.values("website");
    daemon.blind();
    fleet.ask({ verb: "abort", key, reason: undefined });
    await fleet.pass(5_000);
    fleet.store.restore("website", before);
    await fleet.pass(5_000);
    expect([fleet.short(), fleet.release().reason]).toEqual(["aborted 1 0%", "store-went-back"]);
    await daemon.stop();
  });

  test("after only a trial of the rights saw the abort gets the abort again", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("1%:10s,5%:1h,100%:1m");
    fleet.store.before = () => {
      throw new StoreError("denied", "permission denied");
    };
    await fleet.pass(15_000);
    expect(daemon.controller.view().problem).toContain("permission denied");
    const before = fleet.store.values("website");
    daemon.blind();
    fleet.ask({ verb: "abort", key, reason: undefined });
    fleet.store.before = undefined;
    const { read } = fleet.store;
    // The store goes back as soon as the trial has read the abort.
    fleet.store.read = async (application, signal) => {
      const snapshot = await read.call(fleet.store, application, signal);
      fleet.store.restore("website", before);
      fleet.store.read = read;
      return snapshot;
    };
    await fleet.pass(MINUTE_MS);
    expect([fleet.short(), fleet.release().reason]).toEqual(["aborted 1 0%", "store-went-back"]);
    await daemon.stop();
  });

  test("after only a look at a state that the feed refuses saw the abort gets the abort again", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("5%:1h,100%:1m");
    await fleet.pass(10_000);
    const before = fleet.store.values("website");
    daemon.blind();
    fleet.ask({ verb: "abort", key, reason: undefined });
    daemon.controller.failed("website", new StoreError("outdated", "canary went back"));
    await fleet.pass(100);
    fleet.store.restore("website", before);
    await daemon.read();
    await fleet.pass(100);
    expect([fleet.short(), fleet.release().reason]).toEqual(["aborted 1 0%", "store-went-back"]);
    await daemon.stop();
  });

  test("for one read, and is well again without news, goes on as before: with a look at the freeze", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:10s,5%:1m,100%:1m");
    await fleet.pass(5_000);
    const lagging = await fleet.store.read("website", AbortSignal.timeout(1_000));
    await fleet.pass(10_000);
    daemon.blind();
    const snapshot = await fleet.store.read("website", AbortSignal.timeout(1_000));
    const reading = {
      application: "website",
      arcs: [],
      malformed: new Set<string>(),
      isSame: true,
      ageMs: 0,
    };
    const read = fleet.store.read.bind(fleet.store);
    daemon.controller.follow({ ...reading, snapshot });
    fleet.store.read = async () => lagging;
    daemon.controller.failed("website", new StoreError("outdated", "canary went back"));
    await fleet.pass(100);
    fleet.store.read = read;
    fleet.put({ frozen: true }, FREEZE);
    const reads = fleet.store.calls.read;
    const readOn = async (turns: number) => {
      for (let turn = 0; turn < turns; turn++) {
        daemon.controller.follow({ ...reading, snapshot });
        await fleet.pass(4_000);
      }
    };
    await readOn(12);
    expect(fleet.store.calls.read - reads).toBeLessThan(3);
    await readOn(12);
    expect(fleet.short()).toBe("running 2 5%");
    fleet.put({ frozen: false }, FREEZE);
    await readOn(5);
    expect(fleet.short()).toBe("promoted 3 100%");
    await daemon.stop();
  });

  test("right after an abort, so that the next reading is the same object as the last one, gets it again", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("5%:1h,100%:1m");
    await fleet.pass(10_000);
    daemon.blind();
    const before = fleet.store.values("website");
    const snapshot = await fleet.store.read("website", AbortSignal.timeout(1_000));
    const reading = {
      application: "website",
      arcs: [],
      malformed: new Set<string>(),
      isSame: true,
      ageMs: 0,
    };
    daemon.controller.follow({ ...reading, snapshot });
    daemon.controller.verdict("website", "canary", key, "errors");
    await fleet.pass(100);
    expect(fleet.short()).toBe("aborted 1 0%");
    fleet.store.restore("website", before);
    daemon.controller.follow({ ...reading, snapshot });
    await fleet.pass(100);
    expect([fleet.short(), daemon.controller.view().overrides.length]).toEqual(["aborted 1 0%", 1]);
    await daemon.read();
    expect(daemon.controller.view().overrides).toEqual([]);
    await daemon.stop();
  });

  test("by two states after the abort of a verdict ends the verdict too", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("1%:10s,5%:1h,100%:1m");
    await fleet.pass(5_000);
    const before = fleet.store.values("website");
    await fleet.pass(10_000);
    daemon.blind();
    daemon.controller.verdict("website", "canary", key, "errors");
    await fleet.pass(100);
    const { seq } = fleet.release();
    fleet.store.restore("website", before);
    for (let turn = 0; turn < 4; turn++) {
      await daemon.read();
      await fleet.pass(4_000);
    }
    expect(fleet.short()).toBe("aborted 1 0%");
    expect(fleet.release().seq).toBe(seq + 1);
    expect(daemon.controller.view().overrides).toEqual([]);
    await daemon.stop();
  });

  test("to a release that another one has replaced is mended also by a daemon with a verdict", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:1h,100%:1m");
    await fleet.pass(5_000);
    const before = fleet.store.values("website");
    const start = fleet.startOf("5%:1h,100%:1m", { key: "b".repeat(24) });
    fleet.ask({ verb: "release", start, replace: true, seenKey: null, reason: undefined });
    await fleet.pass(5_000);
    fleet.store.before = () => {
      throw new StoreError("unavailable", "no answer");
    };
    daemon.controller.verdict("website", "canary", start.key, "errors");
    await fleet.pass(100);
    fleet.store.restore("website", before);
    fleet.store.before = undefined;
    await fleet.pass(20_000);
    expect([fleet.short(), fleet.release().reason]).toEqual(["aborted 1 0%", "store-went-back"]);
    expect(daemon.controller.view().overrides).toEqual([]);
    await daemon.stop();
  });

  test("in a lagging replica alone is left alone: the write is refused, and the log says nothing", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:10s,5%:1h,100%:1m");
    await fleet.pass(5_000);
    const lagging = await fleet.store.read("website", AbortSignal.timeout(1_000));
    await fleet.pass(10_000);
    const lines = daemon.log.entries.length;
    const read = fleet.store.read.bind(fleet.store);
    fleet.store.read = async (application, signal) =>
      application === "website" ? lagging : read(application, signal);
    await fleet.pass(MINUTE_MS);
    fleet.store.read = read;
    await fleet.pass(MINUTE_MS);
    expect(fleet.short()).toBe("running 2 5%");
    expect(daemon.log.entries.length).toBe(lines);
    await daemon.stop();
  });

  test("is not a person that removed the record: the next release goes on, also after a restart", async () => {
    const fleet = new Fleet();
    const home = homeOf();
    let daemon = await fleet.daemon("web-1", home);
    const { key } = fleet.start("5%:1h,100%:1m");
    await fleet.pass(10_000);
    fleet.ask({ verb: "abort", key, reason: undefined });
    await fleet.pass(10_000);
    await daemon.stop();
    fleet.store.restore("website", new Map());
    daemon = await fleet.daemon("web-1", home);
    await fleet.pass(10_000);
    fleet.start("1%:10s,100%:1m", { key: "b".repeat(24) });
    expect(fleet.release().seq).toBe(1);
    await fleet.pass(12_100);
    expect(fleet.short()).toBe("promoted 2 100%");
    await daemon.stop();
  });

  test("is known by a file that is written when something changes, and not else", async () => {
    const fleet = new Fleet();
    const home = homeOf();
    const daemon = await fleet.daemon("web-1", home);
    fleet.start("1%:10s,5%:1h,100%:1m");
    await fleet.pass(10 * MINUTE_MS);
    expect(home.highest.writes).toBe(2);
    expect([...home.highest.texts.keys()]).toEqual(["website.json"]);
    await daemon.stop();
  });

  test("and a state directory that fails, or has nonsense, hold up nothing", async () => {
    for (const text of ["", "{", "[]", '{"store":"memory:","versions":{"canary":{"seq":-1}}}']) {
      const fleet = new Fleet();
      const home = homeOf();
      if (text === "") home.highest.error = new Error("EIO");
      else home.highest.texts.set("website.json", text);
      const daemon = await fleet.daemon("web-1", home);
      fleet.start("1%:10s,100%:1m");
      await fleet.pass(15_000);
      expect(fleet.short()).toBe("promoted 2 100%");
      expect(daemon.log.at("warn").length).toBe(text === "" ? 3 : 0);
      await daemon.stop();
    }
  });
});
