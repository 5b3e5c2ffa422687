import { expect, test } from "bun:test";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { Courier, type CourierOptions } from "../../../src/monitors/otlp/courier.ts";

const PART = { resource: {}, scopeMetrics: [] } as unknown as ResourceMetrics;

/** A courier whose exporter answers by `results`, one for each part: a status, or 0 for a success. */
function courierWith(results: readonly number[]) {
  const told: string[] = [];
  let tried = 0;
  const exporter = {
    export(_part: ResourceMetrics, callback: (result: { code: number; error?: Error }) => void) {
      const status = results[tried++] ?? 0;
      callback(
        status === 0 ? { code: 0 } : { code: 1, error: Object.assign(new Error("no"), { code: status }) },
      );
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const courier = new Courier({
    exporter: exporter as CourierOptions["exporter"],
    partMs: 1_000,
    hangUp: () => told.push("hung up"),
    failed: (reason) => told.push(reason),
    arrived: () => told.push("arrived"),
  });
  const send = () => new Promise<number>((resolve) => courier.export(PART, ({ code }) => resolve(code)));
  return { courier, told, send, tried: () => tried };
}

test("after a part has failed, the other parts of the minute are not tried; the next minute is", async () => {
  const { courier, told, send, tried } = courierWith([0, 401]);
  courier.begin();
  expect([await send(), await send(), await send(), await send()]).toEqual([0, 0, 0, 0]);
  expect(tried()).toBe(2);
  expect(courier.isAway).toBe(true);
  courier.begin();
  await send();
  expect(tried()).toBe(3);
  expect(courier.isAway).toBe(false);
  expect(told).toEqual(["arrived", "status 401", "arrived"]);
});

test("after the end nothing is tried, and the log hears nothing", async () => {
  const { courier, told, send, tried } = courierWith([]);
  courier.begin();
  courier.end();
  await send();
  expect(tried()).toBe(0);
  expect(told).toEqual(["hung up"]);
});
