/** OTLP logs as a real Envoy 1.40 and a real Traefik 3.7 sent them, and hostile bytes in their place. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readLogs } from "../../../src/intake/otlp/logs.ts";
import { emptyOutcome, isError, type Outcome } from "../../../src/intake/outcome.ts";
import type { NoOutcome } from "../../../src/intake/unreadable.ts";
import { Random } from "../../support/random.ts";

const VECTORS = join(import.meta.dir, "../../vectors/otlp");
const ENVOY = new Uint8Array(readFileSync(join(VECTORS, "envoy.bin")));
const TRAEFIK = new Uint8Array(readFileSync(join(VECTORS, "traefik.bin")));

interface Heard {
  readonly isWhole: boolean;
  readonly outcomes: readonly Outcome[];
  readonly none: readonly NoOutcome[];
}

function heard(body: Uint8Array): Heard {
  const draft = emptyOutcome();
  const [outcomes, none]: [Outcome[], NoOutcome[]] = [[], []];
  const isWhole = readLogs(body, draft, (reason) => {
    if (reason === undefined) outcomes.push({ ...draft });
    else none.push(reason);
  });
  return { isWhole, outcomes, none };
}

/** A field that holds bytes, such as a message; at most 16 383 of them. */
function field(number: number, ...parts: (string | Uint8Array)[]): Uint8Array {
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  return Buffer.from([number * 8 + 2, (bytes.length & 127) | 128, bytes.length >> 7, ...bytes]);
}

const request = (...records: Uint8Array[]) =>
  field(1, field(2, ...records.map((record) => field(2, record))));
const attribute = (name: string, value: Uint8Array) => field(6, field(1, name), field(2, value));
const string = (value: string) => field(1, value);
const int = (value: number) => Buffer.from([3 * 8, (value & 127) | 128, value >> 7]);

describe("Envoy", () => {
  test("OUT-16: the body of a record is a line, and the record has the time of the decision", () => {
    const { isWhole, outcomes, none } = heard(ENVOY);
    expect([isWhole, none]).toEqual([true, []]);
    expect(outcomes).toMatchObject([
      { application: "website", location: "canary", assignment: 0.1, status: 200, durationMs: 5 },
      { application: "website", location: "master", assignment: 0.9, status: 200, durationMs: 2 },
      { location: "canary", assignment: 0.204934419548813, firstByteMs: 1, source: "127.0.0.1" },
      { location: "canary", assignment: 0.1, status: 500, isForced: false },
    ]);
    expect(outcomes.map(isError)).toEqual([false, false, false, true]);
    for (const { decidedAtMs = 0 } of outcomes) {
      expect(new Date(decidedAtMs).toISOString()).toStartWith("2026-11-29T22:07:");
    }
  });

  test("OUT-16: a line's own time goes before that of the record", () => {
    const time = Buffer.from([1 * 8 + 1, ...new Uint8Array(new BigUint64Array([5_000_000n]).buffer)]);
    const line = "website canary 0.5 200 0.1 1";
    const body = request(
      Buffer.concat([time, field(5, string(`${line} time=7`))]),
      Buffer.concat([field(5, string(line)), time]),
    );
    expect(heard(body).outcomes).toMatchObject([{ decidedAtMs: 7_000 }, { decidedAtMs: 5 }]);
  });
});

describe("Traefik", () => {
  test("OUT-17: its attributes are an outcome, with the application of the service's name", () => {
    const { isWhole, outcomes, none } = heard(TRAEFIK);
    expect([isWhole, none]).toEqual([true, []]);
    expect(outcomes).toMatchObject([
      { application: "website", location: "canary", assignment: 0.1, status: 200, isBrought: true },
      { application: "website", location: "master", assignment: 0.9, status: 200, isBrought: true },
      { application: "website", location: "master", status: 200, isBrought: false, source: "127.0.0.1" },
      { location: "canary", assignment: 0.1, status: 500, kind: "answered" },
      { location: "canary", assignment: 0.1, status: 302 },
      { location: "canary", assignment: 0.1, status: 502 },
      { location: "canary", assignment: 0.1, status: 0, kind: "left" },
      { location: "canary", assignment: 0.1, status: 200 },
    ]);
    expect(outcomes[0]?.durationMs).toBeCloseTo(2.368752, 6);
    expect(new Date(outcomes[0]?.decidedAtMs ?? 0).toISOString()).toBe("2026-11-29T22:11:49.169Z");
  });

  const sound = {
    ...{ DownstreamStatus: 200, OriginStatus: 200, Duration: 5_000, ServiceName: "my-shop-canary@file" },
    ...{ request_Maxwellsdaemon: "0.5", "request_Maxwellsdaemon-Location": "canary" },
  };
  const record = (fields: Readonly<Record<string, string | number | undefined>>) =>
    Buffer.concat(
      Object.entries({ ...sound, ...fields }).flatMap(([name, value]) =>
        value === undefined ? [] : [attribute(name, typeof value === "string" ? string(value) : int(value))],
      ),
    );
  const one = (fields: Readonly<Record<string, string | number | undefined>>) =>
    heard(request(record(fields)));

  test("OUT-17: retries, forced locations and the first of several addresses", () => {
    expect(one({}).outcomes).toMatchObject([{ application: "my-shop", isRetried: false, isForced: false }]);
    expect(one({ RetryAttempts: 1 }).outcomes).toMatchObject([{ isRetried: true }]);
    expect(one({ "request_Maxwellsdaemon-Force": "never" }).outcomes).toMatchObject([{ isForced: true }]);
    expect(one({ ClientHost: "192.0.2.7, 10.0.0.1" }).outcomes).toMatchObject([{ source: "192.0.2.7" }]);
  });

  test("OUT-17: requests that the daemon did not decide, or that no version got, have no outcome", () => {
    for (const fields of [
      { request_Maxwellsdaemon: undefined },
      { ServiceName: "api@internal" },
      { ServiceName: undefined },
      { OriginStatus: undefined },
    ]) {
      expect(one(fields)).toEqual({ isWhole: true, outcomes: [], none: ["undecided"] });
    }
    expect(one({ request_Maxwellsdaemon: "2" }).none).toEqual(["assignment"]);
    expect(one({ Duration: "long" }).none).toEqual(["duration"]);
  });
});

test("OUT-16: other programs send the names of a line as attributes", () => {
  const text = {
    application: "website",
    location: "canary",
    assignment: "0.5",
    seconds: "0.25",
    event: "lost",
  };
  const attributes = Object.entries(text).map(([name, value]) => attribute(name, string(value)));
  const body = request(
    Buffer.concat([...attributes, attribute("status", int(503)), attribute("brought", Buffer.from([16, 1]))]),
  );
  expect(heard(body).outcomes).toMatchObject([
    {
      application: "website",
      assignment: 0.5,
      status: 503,
      durationMs: 250,
      isBrought: true,
      events: ["lost"],
    },
  ]);
});

test("OUT-16: records of other logs are not counted as unreadable", () => {
  const body = request(field(5, string('{"msg":"hello"}')), field(3, "INFO"));
  expect(heard(body)).toEqual({ isWhole: true, outcomes: [], none: ["undecided", "undecided"] });
});

test("bytes that are cut are refused at the cut, and the records before it count", () => {
  for (const whole of [ENVOY, TRAEFIK]) {
    const all = heard(whole).outcomes;
    let refused = 0;
    for (let length = 1; length < whole.length; length++) {
      const { isWhole, outcomes } = heard(whole.subarray(0, length));
      if (!isWhole) refused++;
      expect(outcomes).toEqual(all.slice(0, outcomes.length));
    }
    // One of the two requests in the vector of Traefik may be whole.
    expect(refused).toBeGreaterThanOrEqual(whole.length - 2);
  }
});

test("any bytes are read or refused, in bounded time", () => {
  const random = new Random();
  for (let round = 0; round < 5_000; round++) {
    const bytes = new Uint8Array(random.fraction() < 0.5 ? ENVOY : TRAEFIK);
    for (let change = 0; change < 3; change++) {
      bytes[Math.floor(random.fraction() * bytes.length)] = Math.floor(random.fraction() * 256);
    }
    for (const { assignment, status, share } of heard(bytes).outcomes) {
      expect(assignment >= 0 && assignment < 1 && status >= 0 && status < 1_000 && share > 0).toBe(true);
    }
  }
});
