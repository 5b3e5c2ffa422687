import { describe, expect, test } from "bun:test";
import { Problem, type Settings } from "../../../src/config/option.ts";
import { destinationOf, namedUrl } from "../../../src/monitors/otlp/destination.ts";
import { otlp } from "../../../src/monitors/otlp.ts";
import { testContext } from "../context.ts";

const ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";
const OWN = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";

const urlOf = (named: string | null | undefined, environment = {}) => {
  const found = destinationOf(named, environment);
  return found !== undefined && "url" in found ? found.url : found;
};

describe("-otlp", () => {
  for (const [text, url] of [
    ["http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/metrics"],
    ["https://otlp.example.com/", "https://otlp.example.com/v1/metrics"],
    ["https://example.com/api/v2/otlp", "https://example.com/api/v2/otlp/v1/metrics"],
    ["https://example.com/api/v2/otlp/v1/metrics", "https://example.com/api/v2/otlp/v1/metrics"],
  ] as const) {
    test(`${text} sends to ${url}`, () => {
      expect(String(namedUrl(text))).toBe(url);
    });
  }

  for (const text of ["127.0.0.1:4318", "collector", "ftp://x/", "", "unix:/tmp/x"]) {
    test(`${JSON.stringify(text)} is refused, with an example`, () => {
      expect((namedUrl(text) as Problem).message).toContain("http://127.0.0.1:4318");
    });
  }

  for (const text of ["https://user:secret@example.com", "https://example.com/?api-key=secret"]) {
    test(`${text} is refused, because every user of the machine could read the secret`, () => {
      const problem = namedUrl(text);
      expect(problem).toBeInstanceOf(Problem);
      expect((problem as Problem).message).toContain("OTEL_EXPORTER_OTLP_HEADERS");
    });
  }
});

describe("the standard variables", () => {
  test("without a setting and without a variable nothing is sent", () => {
    expect(destinationOf(undefined, {})).toBeUndefined();
    expect(destinationOf(undefined, { [ENDPOINT]: "" })).toBeUndefined();
  });

  test("an endpoint turns the monitor on; the one of metrics goes first, and is used as it is", () => {
    expect(urlOf(undefined, { [ENDPOINT]: "http://c:4318" })).toBe("http://c:4318/v1/metrics");
    expect(urlOf(undefined, { [ENDPOINT]: "http://c:4318/otlp/" })).toBe("http://c:4318/otlp/v1/metrics");
    expect(urlOf(undefined, { [ENDPOINT]: "http://c:4318", [OWN]: "http://m/write" })).toBe("http://m/write");
  });

  test("-otlp goes before the variables, and none turns the monitor off", () => {
    expect(urlOf("http://f/v1/metrics", { [ENDPOINT]: "http://c:4318" })).toBe("http://f/v1/metrics");
    expect(destinationOf(null, { [ENDPOINT]: "http://c:4318" })).toBeUndefined();
  });

  test("OTEL_SDK_DISABLED and another OTEL_METRICS_EXPORTER turn it off", () => {
    const on = { [ENDPOINT]: "http://c:4318" };
    expect(destinationOf(undefined, { ...on, OTEL_SDK_DISABLED: "TRUE" })).toBeUndefined();
    expect(destinationOf(undefined, { ...on, OTEL_METRICS_EXPORTER: "none" })).toBeUndefined();
    expect(destinationOf(undefined, { ...on, OTEL_METRICS_EXPORTER: "prometheus" })).toBeUndefined();
    expect(urlOf(undefined, { ...on, OTEL_METRICS_EXPORTER: "console, otlp" })).toBe(
      "http://c:4318/v1/metrics",
    );
  });

  test("gRPC and an unreadable address are problems with a remedy", () => {
    const grpc = { [ENDPOINT]: "http://c:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    expect(destinationOf(undefined, grpc)).toMatchObject({ remedy: expect.stringContaining("-otlp") });
    expect(urlOf(undefined, { ...grpc, OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/protobuf" })).toBe(
      "http://c:4317/v1/metrics",
    );
    expect(destinationOf(undefined, { [ENDPOINT]: "c:4317" })).toMatchObject({
      problem: `${ENDPOINT} is not a web address`,
    });
  });

  test("a password in a variable is not shown", () => {
    const found = destinationOf(undefined, { [ENDPOINT]: "http://user:hunter2@c:4318" });
    expect(found).toMatchObject({ shown: "http://***@c:4318/v1/metrics", origin: ENDPOINT });
  });
});

test("a problem becomes one line in the log, and the daemon runs without the monitor", () => {
  const context = testContext();
  Object.assign(context, { environment: { [ENDPOINT]: "c:4317" } });
  const settings: Settings = {
    get: () => {
      throw new TypeError("the operator names nothing");
    },
    origin: () => ({ source: "default", text: "" }),
    isNamed: () => false,
  };
  expect(otlp.create(settings, context)).toBeUndefined();
  expect(context.logged).toHaveLength(1);
  expect(context.logged[0]).toMatchObject({ level: "warn", fields: { remedy: expect.any(String) } });
});
