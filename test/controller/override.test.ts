/** A verdict takes the visitors back on this daemon at once, until the record shows it. */

import { describe, expect, test } from "bun:test";
import { StoreError } from "../../src/stores/store.ts";
import { Fleet, homeOf } from "./fleet.ts";

const MINUTE_MS = 60_000;

/** A store that refuses all writes, so that the record does not show the abort. */
function refuseWrites(fleet: Fleet): void {
  fleet.store.before = () => {
    throw new StoreError("unavailable", "no answer");
  };
}

async function withVerdict() {
  const fleet = new Fleet();
  const home = homeOf();
  const daemon = await fleet.daemon("web-1", home);
  const { key } = fleet.start("5%:1h,100%:1m");
  const value = () => fleet.store.value("website", "canary");
  await fleet.pass(10_000);
  refuseWrites(fleet);
  daemon.controller.verdict("website", "canary", key, "errors: 9 of 10");
  await fleet.pass(1_000);
  return { fleet, home, daemon, key, value };
}

describe("a verdict", () => {
  test("aborts the release at once", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("5%:1h,100%:1m");
    await fleet.pass(10_000);
    daemon.controller.verdict("website", "canary", key, "errors: 9 of 10");
    expect(daemon.reapplied).toEqual(["website"]);
    await fleet.pass(10);
    expect(fleet.short()).toBe("aborted 1 0%");
    expect(fleet.release().reason).toBe("errors: 9 of 10");
    expect(daemon.controller.view()).toMatchObject({ overrides: [], releases: [] });
    expect(daemon.controller.view().counts.aborts).toBe(1);
    await daemon.stop();
  });

  test("counts on this daemon although the store fails, and the abort is tried until it is written", async () => {
    const { fleet, home, daemon, value, key } = await withVerdict();
    expect(daemon.overrides.isTakenBack("website", "canary", value())).toBe(true);
    expect(home.overrides.texts.size).toBe(1);
    expect(daemon.controller.view().overrides).toMatchObject([{ key, reason: "errors: 9 of 10" }]);
    await fleet.pass(5 * MINUTE_MS);
    expect(fleet.short()).toBe("running 1 5%");
    fleet.store.before = undefined;
    await fleet.pass(5_100);
    expect(fleet.short()).toBe("aborted 1 0%");
    expect(home.overrides.texts.size).toBe(0);
    expect(daemon.controller.view().overrides).toEqual([]);
    await daemon.stop();
  });

  test("is told to the other daemons, and shown by them", async () => {
    const { fleet, daemon } = await withVerdict();
    const other = await fleet.daemon("web-2");
    await fleet.pass(10_000);
    expect(other.controller.view().releases[0]?.overriddenBy).toEqual(["web-1"]);
    await other.stop();
    await daemon.stop();
  });

  test("law 10: waits for no freeze, no clock and no other release", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("5%:1h,100%:1m");
    await fleet.pass(10_000);
    const read = fleet.store.read.bind(fleet.store);
    fleet.store.read = (application, signal) =>
      application === "website" ? read(application, signal) : new Promise(() => {});
    fleet.store.clock = () => new Promise(() => {});
    daemon.controller.verdict("website", "canary", key, "errors");
    await fleet.pass(1_100);
    expect(fleet.short()).toBe("aborted 1 0%");
    await daemon.stop();
  });

  test("does not wait for its turn behind releases whose attempts hang", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("5%:1h,100%:1m");
    const names = Array.from({ length: 12 }, (_, index) => `app-${index}`);
    for (const application of names) {
      fleet.start("1%:5s,100%:1m", {}, { application, version: "canary" });
      await daemon.read(application);
    }
    const read = fleet.store.read.bind(fleet.store);
    fleet.store.read = (application, signal) =>
      names.includes(application) ? new Promise(() => {}) : read(application, signal);
    await fleet.pass(8_000);
    daemon.controller.verdict("website", "canary", key, "errors");
    await fleet.pass(10);
    expect(fleet.short()).toBe("aborted 1 0%");
    await daemon.stop();
  });

  test("counts after its abort until the daemon reads it, because the feed still has the arcs from before", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("5%:1h,100%:1m");
    await fleet.pass(10_000);
    const before = fleet.store.value("website", "canary");
    daemon.blind();
    daemon.controller.verdict("website", "canary", key, "errors");
    await fleet.pass(30_000);
    expect(fleet.short()).toBe("aborted 1 0%");
    expect(daemon.overrides.isTakenBack("website", "canary", before)).toBe(true);
    await daemon.read();
    expect(daemon.controller.view().overrides).toEqual([]);
    await daemon.stop();
  });

  test("that comes after a person's abort ends when the daemon reads that", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("5%:1h,100%:1m");
    await fleet.pass(10_000);
    daemon.blind();
    fleet.ask({ verb: "abort", key, reason: undefined });
    daemon.controller.verdict("website", "canary", key, "errors");
    await fleet.pass(1_000);
    expect(daemon.controller.view().overrides).toMatchObject([{ key }]);
    await daemon.read();
    expect(daemon.controller.view().overrides).toEqual([]);
    await daemon.stop();
  });

  test("of a promoted release changes nothing, because a person decides there", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("5%:10s,100%:1h");
    await fleet.pass(15_000);
    daemon.controller.verdict("website", "canary", key, "errors");
    await fleet.pass(MINUTE_MS);
    expect(fleet.short()).toBe("promoted 2 100%");
    expect(daemon.controller.view().overrides).toEqual([]);
    await daemon.stop();
  });

  test("that comes right after another daemon promoted ends, and the log says what to do", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("5%:1h,100%:1h");
    await fleet.pass(10_000);
    daemon.blind();
    fleet.ask({ verb: "promote", pin: { key, step: 1 }, to: undefined, resume: false });
    daemon.controller.verdict("website", "canary", key, "errors");
    await fleet.pass(MINUTE_MS);
    expect(fleet.short()).toBe("promoted 2 100%");
    expect(daemon.controller.view().overrides).toEqual([]);
    expect(daemon.reapplied).toEqual(["website", "website"]);
    expect(daemon.log.at("error")).toMatchObject([{ fields: { remedy: "undo takes them back" } }]);
    await daemon.stop();
  });

  test("of another release than the one that is there changes nothing", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("5%:1h,100%:1m");
    await fleet.pass(10_000);
    daemon.controller.verdict("website", "canary", "d".repeat(24), "errors");
    expect(daemon.overrides.isTakenBack("website", "canary", fleet.store.value("website", "canary"))).toBe(
      false,
    );
    await fleet.pass(10_000);
    expect(fleet.short()).toBe("running 1 5%");
    expect(daemon.controller.view().overrides).toEqual([]);
    await daemon.stop();
  });
});

describe("an override", () => {
  test("outlasts a restart: it is there before the saved snapshot, and goes on with the abort", async () => {
    const { fleet, home, daemon, value } = await withVerdict();
    await daemon.stop();
    const again = await fleet.daemon("web-1", home);
    expect(again.overrides.isTakenBack("website", "canary", undefined)).toBe(true);
    expect(again.overrides.isTakenBack("website", "canary", value())).toBe(true);
    await fleet.pass(MINUTE_MS);
    fleet.store.before = undefined;
    await fleet.pass(5_100);
    expect(fleet.short()).toBe("aborted 1 0%");
    expect(home.overrides.texts.size).toBe(0);
    await again.stop();
  });

  test("ends if a person removes its file, and only then", async () => {
    const { fleet, home, daemon, value } = await withVerdict();
    home.overrides.error = new Error("EIO");
    await fleet.pass(10_000);
    expect(daemon.controller.view().overrides).toHaveLength(1);
    home.overrides.error = undefined;
    await fleet.pass(10_000);
    expect(daemon.controller.view().overrides).toHaveLength(1);
    home.overrides.texts.clear();
    await fleet.pass(2_100);
    expect(daemon.controller.view().overrides).toEqual([]);
    expect(daemon.reapplied).toEqual(["website", "website"]);
    expect(daemon.overrides.isTakenBack("website", "canary", value())).toBe(false);
    fleet.store.before = undefined;
    await fleet.pass(10_000);
    expect(fleet.short()).toBe("running 1 5%");
    await daemon.stop();
    expect(fleet.time.pending).toBe(0);
  });

  test("that could not be saved counts, and does not end because it has no file", async () => {
    const fleet = new Fleet();
    const home = homeOf();
    home.overrides.error = new Error("ENOSPC");
    const daemon = await fleet.daemon("web-1", home);
    const { key } = fleet.start("5%:1h,100%:1m");
    await fleet.pass(10_000);
    refuseWrites(fleet);
    daemon.controller.verdict("website", "canary", key, "errors");
    await fleet.pass(10_000);
    home.overrides.error = undefined;
    await fleet.pass(10_000);
    expect(daemon.controller.view().overrides).toHaveLength(1);
    expect(daemon.log.at("error").map(({ message }) => message)).toContainEqual(
      expect.stringContaining("an override could not be saved"),
    );
    await daemon.stop();
  });

  test.each([["aborted by a person", { verb: "abort", key: undefined, reason: undefined } as const]])(
    "ends if the release is %s",
    async (_, request) => {
      const { fleet, home, daemon } = await withVerdict();
      fleet.ask(request);
      await fleet.pass(5_000);
      expect(daemon.controller.view().overrides).toEqual([]);
      expect(home.overrides.texts.size).toBe(0);
      await daemon.stop();
    },
  );

  test("ends if the record has another release, or none", async () => {
    for (const fields of [{ key: "e".repeat(24) }, undefined]) {
      const { fleet, daemon, value } = await withVerdict();
      if (fields === undefined) fleet.put({ release: undefined });
      else fleet.edit((release) => ({ ...release, ...fields, seq: release.seq + 1 }));
      expect(daemon.overrides.isTakenBack("website", "canary", value())).toBe(false);
      await fleet.pass(5_000);
      expect(daemon.controller.view().overrides).toEqual([]);
      await daemon.stop();
    }
  });

  test("ends after a restart if the release is gone, also if the file of what was seen cannot be read", async () => {
    const { fleet, home, daemon } = await withVerdict();
    await daemon.stop();
    fleet.put({ release: undefined });
    home.highest.error = new Error("EIO");
    const again = await fleet.daemon("web-1", home);
    await fleet.pass(5_000);
    expect(again.controller.view().overrides).toEqual([]);
    expect(home.overrides.texts.size).toBe(0);
    await again.stop();
  });

  test("goes on if the record cannot be read", async () => {
    const { fleet, daemon, value, key } = await withVerdict();
    for (const release of ["nonsense", { format: 2, key }]) {
      fleet.put({ release });
      await fleet.pass(5_000);
      expect(daemon.overrides.isTakenBack("website", "canary", value())).toBe(true);
    }
    await daemon.stop();
  });

  test("of an application that the daemon does not serve any more is not shown, and counts if it does again", async () => {
    const { home, daemon, value, key } = await withVerdict();
    await daemon.stop();
    const fleet = new Fleet();
    const without = await fleet.daemon("web-1", home, {}, (application) => application !== "website");
    expect(without.controller.view().overrides).toEqual([]);
    expect(without.log.at("warn")).toEqual([]);
    await without.stop();
    expect(home.overrides.texts.size).toBe(1);
    const again = await fleet.daemon("web-1", home);
    expect(again.controller.view().overrides).toMatchObject([{ key }]);
    expect(again.overrides.isTakenBack("website", "canary", value())).toBe(true);
    await again.stop();
  });

  test("of another store, or of a file that is not ours, does not count", async () => {
    const fleet = new Fleet();
    const home = homeOf();
    const saved = { store: "redis:", application: "website", version: "canary", reason: "errors", atMs: 0 };
    for (const [name, text] of [
      ["a".repeat(24), JSON.stringify({ ...saved, key: "a".repeat(24) })],
      ["b".repeat(24), JSON.stringify({ ...saved, store: "memory:", key: "c".repeat(24) })],
      ["d".repeat(24), "{"],
      ["e".repeat(24), "[]"],
    ] as const) {
      home.overrides.texts.set(`${name}.json`, text);
    }
    const daemon = await fleet.daemon("web-1", home);
    expect(daemon.controller.view().overrides).toEqual([]);
    await daemon.stop();
  });
});
