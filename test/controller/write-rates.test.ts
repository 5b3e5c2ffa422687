/** A controller writes a record seldom, whatever other programs do to it. An abort never waits for that. */

import { expect, test } from "bun:test";
import { WRITE_EVERY_MS, WRITES_AT_ONCE, WriteRates } from "../../src/controller/write-rates.ts";
import { StoreError } from "../../src/stores/store.ts";
import { Fleet } from "./fleet.ts";

const MINUTE_MS = 60_000;

/** More than a controller should ever write; the hostile program ends then. */
const WRITES_MAX = 1_000;

test("a program that undoes each pause at once gets few writes, a problem that is told, and an abort at once", async () => {
  const fleet = new Fleet();
  const { store } = fleet;
  const write = store.write.bind(store);
  let written = 0;
  store.write = async (...call) => {
    const done = await write(...call);
    const isPause = done.ok && fleet.release().state === "paused";
    if (isPause && ++written < WRITES_MAX) {
      queueMicrotask(() => {
        fleet.edit((release) => ({ ...release, state: "running", seq: release.seq + 1 }));
        fleet.put({ rollout: 0.02 + written / 100_000 });
      });
    }
    return done;
  };
  // Without luck a controller waits some seconds before it answers a change.
  const daemon = await fleet.daemon("web-1", undefined, { random: () => 0 });
  const { key } = fleet.start("1%:1h,100%:1m");
  await fleet.pass(5_000);
  fleet.put({ rollout: 0.02 });
  await fleet.pass(MINUTE_MS);
  expect(written).toBeGreaterThanOrEqual(WRITES_AT_ONCE);
  expect(written).toBeLessThanOrEqual(WRITES_AT_ONCE + (MINUTE_MS + 1_000) / WRITE_EVERY_MS);
  expect(daemon.log.at("warn").map(({ fields }) => fields?.["error"])).toContainEqual(
    expect.stringContaining("has written canary of website too often"),
  );
  daemon.controller.verdict("website", "canary", key, "errors");
  await fleet.pass(10);
  expect(fleet.short()).toBe("aborted 1 0%");
  await daemon.stop();
});

test("writes that are too many are held back until they are paid off, and those on the way down never", () => {
  let nowMs = 5_000;
  const rates = new WriteRates(() => nowMs);
  const target = { application: "website", version: "canary" };
  for (let i = 0; i < WRITES_AT_ONCE; i++) rates.count(target, false);
  expect(() => rates.count(target, false)).toThrow(StoreError);
  rates.count({ ...target, version: "blue" }, false);
  for (let i = 0; i < 100; i++) rates.count(target, true);
  nowMs += WRITE_EVERY_MS - 1;
  expect(() => rates.count(target, false)).toThrow("too often");
  nowMs += 1;
  rates.count(target, false);
  expect(() => rates.count(target, false)).toThrow("too often");
});
