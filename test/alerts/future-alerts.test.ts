import { expect, test } from "bun:test";
import { CLOCK_SKEW_MS, FUTURE_ALERTS_MAX, FutureAlerts } from "../../src/alerts/future-alerts.ts";
import { BEGAN_MS } from "../releases/world.ts";

const alert = (fingerprint: string, aheadMs = CLOCK_SKEW_MS + 1) => ({
  ...{ name: "CheckoutErrors", application: "shop", version: undefined, key: undefined },
  ...{ beganAtMs: BEGAN_MS + aheadMs, fingerprint },
});

test("each alert has a first time of its own, also if it ends and begins again", () => {
  const future = new FutureAlerts();
  const at = (fingerprint: string, nowMs: number, aheadMs?: number) =>
    future.seen(alert(fingerprint, aheadMs), nowMs).beganAtMs - BEGAN_MS;
  expect([at("a", BEGAN_MS), at("a", BEGAN_MS - 5), at("b", BEGAN_MS - 5)]).toEqual([0, 0, -5]);
  expect(at("a", BEGAN_MS + 10, CLOCK_SKEW_MS * 2)).toBe(10);
});

test("law 5: the daemon remembers a limited number of them, and forgets the first", () => {
  const future = new FutureAlerts();
  for (let index = 0; index <= FUTURE_ALERTS_MAX; index++) future.seen(alert(`${index}`), BEGAN_MS - 10);
  expect(future.seen(alert("1"), BEGAN_MS).beganAtMs).toBe(BEGAN_MS - 10);
  expect(future.seen(alert("0"), BEGAN_MS).beganAtMs).toBe(BEGAN_MS);
});
