import { expect, test } from "bun:test";
import { secretsOf, timingOf, withoutSecrets } from "../../../src/monitors/otlp/environment.ts";

test("without variables the times are those of the standard", () => {
  expect(timingOf({}, String)).toEqual({
    ...{ intervalMs: 60_000, timeoutMs: 30_000, partMs: 27_000, requestMs: 10_000 },
  });
});

test("the timeout is at most the interval, because the SDK refuses anything else", () => {
  const timing = timingOf(
    { OTEL_METRIC_EXPORT_INTERVAL: "1000", OTEL_EXPORTER_OTLP_TIMEOUT: "3600000" },
    String,
  );
  expect(timing).toEqual({ intervalMs: 1_000, timeoutMs: 1_000, partMs: 900, requestMs: 800 });
});

test("the timeout of metrics goes before the timeout of all signals", () => {
  const environment = { OTEL_EXPORTER_OTLP_TIMEOUT: "5000", OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "7000" };
  expect(timingOf(environment, String).requestMs).toBe(7_000);
});

test.each(["0", "-5", "1e3", "soon", "99", "86400001"])(
  "%p is not a time: the standard's own counts",
  (text) => {
    const problems: string[] = [];
    const { intervalMs } = timingOf({ OTEL_METRIC_EXPORT_INTERVAL: text }, (each) => problems.push(each));
    expect(intervalMs).toBe(60_000);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toStartWith("OTEL_METRIC_EXPORT_INTERVAL is not a number of milliseconds");
  },
);

test("no form of a header's value is left in a text: whole, decoded, or a word of it", () => {
  const environment = {
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20s3cr3t-token,x-team=a",
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: "api-key=k3y%2Fk3y",
  };
  const secrets = secretsOf(environment);
  for (const text of [
    "Bearer s3cr3t-token is wrong",
    "Bearer%20s3cr3t-token",
    "token s3cr3t-token",
    "k3y/k3y",
    "k3y%2Fk3y",
    "authorization=Bearer%20s3cr3t-token,x-team=a",
  ]) {
    const shown = withoutSecrets(text, secrets, 300);
    expect(shown).toContain("***");
    expect(shown).not.toMatch(/s3cr3t|k3y/);
  }
  expect(withoutSecrets("a team", secrets, 300)).toBe("a team");
});

test("a secret is hidden before a long text is cut, so no half of it is left", () => {
  const secrets = secretsOf({ OTEL_EXPORTER_OTLP_HEADERS: "k=0123456789" });
  expect(withoutSecrets(`${"a".repeat(295)}0123456789`, secrets, 300)).toBe(`${"a".repeat(295)}***`);
  expect(withoutSecrets("a".repeat(400), secrets, 300)).toHaveLength(301);
});
