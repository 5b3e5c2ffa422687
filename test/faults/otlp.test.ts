/** A collector of OpenTelemetry that does its worst, under load; and a daemon that has no collector. */

import { afterEach, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { resolve } from "node:path";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { flood, startHostileWeb } from "../support/hostile-web.ts";
import { LineClient } from "../support/line.ts";
import { expectHealthy, residentBytes } from "./health.ts";

const SECRET = "s3cr3t-token";
const ROOT = resolve(import.meta.dir, "../..");

/** The longest that the end of a daemon takes with a collector that does not answer. Alone it takes 0.8 s. */
const END_MS_MAX = 5_000;

const ends: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function startDaemon(
  url: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ home: DaemonHome; daemon: DaemonProcess }> {
  const home = new DaemonHome({
    records: { canary: 0.25 },
    flags: ["-otlp", url],
    env: {
      OTEL_METRIC_EXPORT_INTERVAL: "300",
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${SECRET}`,
      ...env,
    },
  });
  ends.push(() => home.remove());
  const daemon = await home.start();
  ends.push(() => daemon.end("SIGKILL"));
  return { home, daemon };
}

test("law 6: a collector that stalls, floods and hangs up changes no answer, keeps no memory, and cannot delay the end", async () => {
  const ways = [
    (socket: Socket) => void socket.write("HTTP/1.1 200 OK\r\n"),
    (socket: Socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      flood(socket, "x".repeat(65_536));
    },
    (socket: Socket) => void socket.end("HTTP/1.1 999 \xff\r\n\r\n"),
    (socket: Socket) => void socket.destroy(),
    () => {},
  ];
  let next = 0;
  const web = await startHostileWeb((socket) => ways[next++ % ways.length]?.(socket));
  ends.push(() => web.stop());
  const { home, daemon } = await startDaemon(web.url);
  const beforeBytes = residentBytes(daemon.pid);
  const client = await LineClient.connect({ path: home.socket });
  while (web.requests.length < 2 * ways.length) {
    expect(await client.ask("0.1")).toEqual({ assignment: "0.1", location: "canary" });
  }
  client.close();
  await expectHealthy(home, daemon, beforeBytes);
  expect(daemon.log).toContain("metrics do not reach OpenTelemetry");
  const startedAtMs = performance.now();
  expect(await daemon.end()).toBe(0);
  expect(performance.now() - startedAtMs).toBeLessThan(END_MS_MAX);
}, 30_000);

test("the key goes to the collector, and neither to the log nor to the list of processes", async () => {
  const web = await startHostileWeb((socket, request) => {
    const [, key = "no key"] = /\r\nauthorization: ([^\r]*)/i.exec(request) ?? [];
    // A collector that repeats the key in every place that it can write to.
    const body = `no such key: ${key}`;
    socket.end(`HTTP/1.1 403 ${body}\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  });
  ends.push(() => web.stop());
  const { home, daemon } = await startDaemon(web.url);
  await eventually(() => daemon.log.includes("status 403"), "the refusal in the log");
  expect(web.requests[0]).toContain(`Bearer ${SECRET}`);
  expect(await daemon.end()).toBe(0);
  expect(daemon.log).not.toContain(SECRET);
  expect(daemon.log).toContain("OTEL_EXPORTER_OTLP_HEADERS");
  expect(home.command.join(" ")).not.toContain(SECRET);
}, 30_000);

test("a daemon without a collector loads no code of OpenTelemetry", async () => {
  // The same list of modules must show the SDK once it is loaded, or this test would prove nothing.
  const code = `
    const count = () => Object.keys(require.cache).filter((path) => path.includes("@opentelemetry")).length;
    await import("./src/cli/main.ts");
    await import("./src/daemon/daemon.ts");
    const without = count();
    await import("./src/monitors/otlp/sdk.ts");
    console.log(without, count() > 50);
  `;
  const child = Bun.spawn([process.execPath, "-e", code], { cwd: ROOT, stdout: "pipe", stderr: "inherit" });
  expect((await new Response(child.stdout).text()).trim()).toBe("0 true");
}, 30_000);
