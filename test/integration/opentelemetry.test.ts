/**
 * The requests of a daemon, read by others: by OpenTelemetry's own protobuf schema, and by a real collector,
 * if `npx bun scripts/collector.ts` has built one.
 */

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { PYPI } from "../../scripts/test/needs.ts";
import { otlpAttribute } from "../../src/monitors/metric.ts";
import { METRICS } from "../../src/monitors/metrics-list.ts";
import { COLLECTOR, collectorMissing } from "../support/collector.ts";
import { DaemonHome } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { LineClient } from "../support/line.ts";
import { attributesOf, type DecodedRequest, metricsIn, valueIn } from "../support/otlp/decoded.ts";
import { freePort } from "../support/port.ts";
import { whenListening } from "../support/proxy-process.ts";

const DECODE = join(import.meta.dir, "../support/otlp/decode.py");
const SAMPLE = join(import.meta.dir, "../../integrations/opentelemetry/collector.yaml");
const SCHEMA = "opentelemetry_proto-1.45.2.dist-info";

const ends: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-otlp-"));
  ends.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A receiver that keeps each request as it came. */
function startReceiver(directory: string): { readonly url: string; readonly paths: string[] } {
  const paths: string[] = [];
  const server = Bun.serve({
    ...{ port: 0, hostname: "127.0.0.1" },
    async fetch(request) {
      const path = join(directory, `${paths.length}.bin`);
      writeFileSync(path, new Uint8Array(await request.arrayBuffer()));
      paths.push(path);
      return new Response();
    },
  });
  ends.push(() => server.stop(true));
  return { url: `http://127.0.0.1:${server.port}`, paths };
}

/** Starts a daemon that sends once a second, and asks it for five visitors. */
async function startDaemon(url: string, env: Readonly<Record<string, string>> = {}) {
  const home = new DaemonHome({
    records: { canary: 0.25 },
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_METRIC_EXPORT_INTERVAL: "1000",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
      ...env,
    },
  });
  ends.push(() => home.remove());
  const daemon = await home.start();
  ends.push(() => daemon.end("SIGKILL"));
  const client = await LineClient.connect({ path: home.socket });
  for (let visitor = 0; visitor < 5; visitor++) await client.ask("0.1");
  client.close();
  return daemon;
}

function decode(paths: readonly string[]): DecodedRequest[] {
  const { stdout, stderr } = Bun.spawnSync(["python3", DECODE, ...paths], {
    env: { ...process.env, PYTHONPATH: PYPI },
  });
  if (stderr.length > 0) throw new Error(stderr.toString());
  return stdout
    .toString()
    .trim()
    .split("\n")
    .map((line) => {
      const { request, unknown } = JSON.parse(line);
      expect(unknown).toBe(0);
      return request;
    });
}

const CANARY = { "maxwells_daemon.location": "canary" };

/** Each metric of a request is a row of the list, with its unit, its kind and its attributes. */
function expectRows(requests: readonly DecodedRequest[]): void {
  const metrics = metricsIn(requests);
  expect(metrics.length).toBeGreaterThan(15);
  for (const { name, unit, description, sum, gauge, histogram } of metrics) {
    const row = METRICS.find(({ otlp }) => otlp?.name === name);
    if (row?.otlp === undefined) throw new Error(`${name} is not in the list`);
    const { otlp } = row;
    expect([unit, description]).toEqual([otlp.unit, row.help]);
    expect(histogram !== undefined).toBe(otlp.kind === "histogram");
    expect(gauge !== undefined).toBe(otlp.kind === "gauge");
    if (sum !== undefined) expect(sum.isMonotonic ?? false).toBe(otlp.kind === "counter");
    const labels = otlp.attributes === undefined ? row.labels : Object.keys(otlp.attributes);
    for (const point of (sum ?? gauge)?.dataPoints ?? []) {
      const names = labels.map((label) => otlpAttribute(label, otlp));
      expect(Object.keys(attributesOf(point.attributes)).sort()).toEqual([...names].sort());
    }
  }
}

function resourceOf([request]: readonly DecodedRequest[]): Record<string, string> {
  return attributesOf(request?.resourceMetrics[0]?.resource.attributes);
}

function expectResource(requests: readonly DecodedRequest[], pid: number): void {
  expect(resourceOf(requests)).toMatchObject({
    "service.name": "maxwells-daemon",
    "service.version": packageJson.version,
    "service.instance.id": expect.stringMatching(/^[0-9a-f-]{36}$/),
    "deployment.environment.name": "test",
    "host.name": expect.any(String),
    "process.pid": String(pid),
    "telemetry.sdk.name": "opentelemetry",
  });
}

const noSchema = Bun.which("python3") === null || !existsSync(join(PYPI, SCHEMA));
if (noSchema && process.env["CI"]) throw new Error(`${SCHEMA} is missing; npm test installs it`);

describe.skipIf(noSchema)("by OpenTelemetry's own schema", () => {
  test("a request has every metric as the list has it, and the resource, and no field that the schema does not know", async () => {
    const { url, paths } = startReceiver(temporaryDirectory());
    const daemon = await startDaemon(url);
    const before = paths.length;
    await eventually(() => paths.length > before + 1, "two requests");
    expect(await daemon.end()).toBe(0);
    const requests = decode(paths);
    expectRows(requests);
    expectResource(requests, daemon.pid);
    const last = metricsIn(requests.slice(-1));
    expect(valueIn(last, "maxwells_daemon.decisions", CANARY)).toBe(5);
    expect(valueIn(last, "maxwells_daemon.rollout", { "maxwells_daemon.version": "canary" })).toBe(0.25);
    const [histogram] =
      last.find(({ name }) => name.endsWith("decision.duration"))?.histogram?.dataPoints ?? [];
    expect(Number(histogram?.count)).toBe(5);
    expect(histogram?.bucketCounts.reduce((total, count) => total + Number(count), 0)).toBe(5);
    expect(histogram?.explicitBounds).toHaveLength((histogram?.bucketCounts.length ?? 0) - 1);
  }, 30_000);

  test("with the preference delta, all growth together is the count, and each point begins at the end of the last", async () => {
    const { url, paths } = startReceiver(temporaryDirectory());
    const daemon = await startDaemon(url, {
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "delta",
      OTEL_EXPORTER_OTLP_COMPRESSION: "none",
    });
    const before = paths.length;
    await eventually(() => paths.length > before + 1, "two requests");
    expect(await daemon.end()).toBe(0);
    const requests = decode(paths);
    const grown = requests.map(
      (request) => valueIn(metricsIn([request]), "maxwells_daemon.decisions", CANARY) ?? 0,
    );
    expect(grown.reduce((total, growth) => total + growth, 0)).toBe(5);
    expect(requests.length).toBeGreaterThan(2);
    const sums = metricsIn(requests).filter(({ name }) => name === "maxwells_daemon.store.reads");
    for (const { sum } of sums) expect(sum?.aggregationTemporality).toBe("AGGREGATION_TEMPORALITY_DELTA");
    const firsts = sums.map(({ sum }) => sum?.dataPoints[0]);
    for (const [index, point] of firsts.slice(1).entries()) {
      expect(point?.startTimeUnixNano).toBe(firsts[index]?.timeUnixNano as string);
    }
  }, 30_000);
});

describe.skipIf(collectorMissing() !== undefined)("by a real collector", () => {
  test("the sample configuration is valid", () => {
    const { exitCode, stderr } = Bun.spawnSync([COLLECTOR, "validate", "--config", SAMPLE]);
    expect([exitCode, stderr.toString()]).toEqual([0, ""]);
  });

  test("a collector with the sample takes all metrics, and hands them on", async () => {
    const directory = temporaryDirectory();
    const handedOn: DecodedRequest[] = [];
    const server = Bun.serve({
      ...{ port: 0, hostname: "127.0.0.1" },
      async fetch(request) {
        handedOn.push((await request.json()) as DecodedRequest);
        return Response.json({});
      },
    });
    ends.push(() => server.stop(true));
    const port = await freePort();
    const exporter = `otlp_http:\n    endpoint: http://127.0.0.1:${server.port}\n    encoding: json\n    compression: none\n`;
    const sample = readFileSync(SAMPLE, "utf8")
      .replaceAll("127.0.0.1:4318", `127.0.0.1:${port}`)
      .replace(/debug:\n\s+verbosity: detailed\n/, exporter)
      .replace("exporters: [debug]", "exporters: [otlp_http]");
    const configuration = join(directory, "collector.yaml");
    writeFileSync(configuration, sample);
    const child = Bun.spawn([COLLECTOR, "--config", configuration], {
      ...{ stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    });
    const collector = await whenListening("the collector", child, port, {});
    ends.push(() => collector.stop());
    const daemon = await startDaemon(collector.url);
    await eventually(
      () => valueIn(metricsIn(handedOn.slice(-1)), "maxwells_daemon.decisions", CANARY) === 5,
      "the decisions, through the collector",
    );
    expectRows(handedOn);
    expectResource(handedOn, daemon.pid);
    expect(daemon.log).not.toContain(" warn ");
  }, 60_000);
});
