import { describe, expect, test } from "bun:test";
import { readAlerts } from "../../src/alerts/read-alerts.ts";
import { Problem } from "../../src/config/option.ts";
import { alertOf, bodyOf } from "./webhook.ts";

describe("an alert asks for an abort", () => {
  test("if it fires and has the label that names an application", () => {
    expect(readAlerts(bodyOf([alertOf({ maxwells_daemon_abort: "shop" })]))).toEqual({
      receiver: "release-abort",
      others: 0,
      aborts: [
        {
          ...{ name: "CheckoutErrors", application: "shop", version: undefined, key: undefined },
          beganAtMs: Date.parse("2026-11-29T12:05:00.123Z"),
          fingerprint: "5ef77f1f8a3ecfac",
        },
      ],
    });
  });

  test("of one version and of one release, if its labels say so", () => {
    const labels = {
      maxwells_daemon_abort: "shop",
      maxwells_daemon_version: "blue",
      maxwells_daemon_key: "0123",
    };
    expect(readAlerts(bodyOf([alertOf(labels)]))).toMatchObject({
      aborts: [{ version: "blue", key: "0123" }],
    });
  });

  test.each([
    ["is resolved", alertOf({ maxwells_daemon_abort: "shop" }, { status: "resolved" }), 0],
    [
      "has only a label application, as our own alerts",
      alertOf({ application: "shop", version: "canary" }),
      1,
    ],
    ["has an empty label", alertOf({ maxwells_daemon_abort: "" }), 1],
    ["has a label that is not a text", { ...alertOf({}), labels: { maxwells_daemon_abort: 7 } }, 1],
    ["is not an object", 7, 0],
  ])("not if it %s", (_, alert, others) => {
    expect(readAlerts(bodyOf([alert]))).toMatchObject({ aborts: [], others });
  });
});

describe("law 5: the body is refused if it", () => {
  test.each([
    ["is not JSON", "{"],
    ["is not an object", "[]"],
    ["is null", "null"],
    ["has another version", bodyOf([], { version: "5" })],
    ["has a number as its version", bodyOf([], { version: 4 })],
    ["has no alerts", bodyOf([], { alerts: undefined })],
    ["has no receiver", bodyOf([], { receiver: undefined })],
    [
      "has an alert without a time",
      bodyOf([alertOf({ maxwells_daemon_abort: "a" }, { startsAt: undefined })]),
    ],
    [
      "has an alert with a false time",
      bodyOf([alertOf({ maxwells_daemon_abort: "a" }, { startsAt: "now" })]),
    ],
    [
      "names a version that cannot be",
      bodyOf([alertOf({ maxwells_daemon_abort: "a", maxwells_daemon_version: "../a" })]),
    ],
  ])("%s", (_, body) => {
    expect(readAlerts(body)).toBeInstanceOf(Problem);
  });
});
