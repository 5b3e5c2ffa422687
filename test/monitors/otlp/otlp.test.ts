/** The monitor against collectors that answer, refuse, stall and lie. */

import { afterEach, describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { CLOSE_MS } from "../../../src/monitors/monitor.ts";
import { Otlp } from "../../../src/monitors/otlp.ts";
import { eventually } from "../../support/eventually.ts";
import { flood, type HostileWeb, ok, startHostileWeb } from "../../support/hostile-web.ts";
import { freePort } from "../../support/port.ts";
import { type TestContext, testContext } from "../context.ts";

const INTERVAL_MS = 400;
const SECRET = "s3cr3t-token";

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Starts a monitor that sends twice a second. */
function startMonitor(url: string): { readonly context: TestContext; readonly monitor: Otlp } {
  const context = testContext();
  const environment = {
    OTEL_METRIC_EXPORT_INTERVAL: String(INTERVAL_MS),
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${SECRET}`,
  };
  Object.assign(context, { environment, clock: () => performance.now() });
  const monitor = new Otlp({ url: `${url}/v1/metrics`, shown: url, origin: "-otlp" }, context);
  monitor.start();
  ends.push(() => monitor.close());
  return { context, monitor };
}

async function startWeb(answer: (socket: Socket, request: string) => void): Promise<HostileWeb> {
  const web = await startHostileWeb(answer);
  ends.push(() => web.stop());
  return web;
}

/** Answers, and closes the connection, because this web server reads one request from each. */
function reply(head: string, body = ""): (socket: Socket) => void {
  return (socket) =>
    socket.end(`HTTP/1.1 ${head}\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
}

const errorsIn = ({ logged }: TestContext) =>
  logged.filter(({ level }) => level === "warn").map(({ fields }) => String(fields["error"]));

test("a collector that takes metrics gets them again and again, and the log says so once", async () => {
  const web = await startWeb(reply("200 OK"));
  const { context } = startMonitor(web.url);
  await eventually(() => web.requests.length >= 3, "three requests");
  expect(context.logged.map(({ message }) => message)).toEqual(["metrics go to OpenTelemetry"]);
  const [request = ""] = web.requests;
  expect(request).toStartWith("POST /v1/metrics HTTP/1.1\r\n");
  expect(request).toMatch(/\r\ncontent-type: application\/x-protobuf\r\n/i);
  expect(request).toMatch(/\r\nuser-agent: maxwells-daemon\/\d/i);
});

describe("a collector that fails is in the log once, with the reason, until it takes metrics again", () => {
  const cases: readonly (readonly [string, (socket: Socket) => void, string])[] = [
    ["that refuses the key", reply("401 Unauthorized"), "status 401"],
    ["that has no such path", reply("404 Not Found", "<html>"), "status 404"],
    ["that finds the request malformed", reply("400 Bad Request", "\x08\x03"), "status 400"],
    [
      "that asks to come back in an hour",
      reply("429 Too Many Requests\r\nretry-after: 3600"),
      "it asks to wait (status 429, 502, 503 or 504)",
    ],
    ["that is overloaded", reply("503 Busy"), "it asks to wait (status 429, 502, 503 or 504)"],
    ["whose body has no end", endless, "its answer is too long"],
    ["that sends a byte now and then", trickle, `no whole answer within ${(INTERVAL_MS * 0.9) / 1_000} s`],
    ["that never answers", () => {}, "no answer in time"],
    ["that closes the connection at once", (socket) => socket.destroy(), "ECONNRESET"],
  ];
  for (const [what, answer, reason] of cases) {
    test(what, async () => {
      let isGood = false;
      const web = await startWeb((socket) => (isGood ? reply("200 OK")(socket) : answer(socket)));
      const { context } = startMonitor(web.url);
      await eventually(() => errorsIn(context).includes(reason), `the reason in ${errorsIn(context)}`);
      const soFar = web.requests.length;
      await eventually(() => web.requests.length >= soFar + 2, "two more attempts");
      const errors = errorsIn(context);
      for (const [index, error] of errors.entries()) expect(error).not.toBe(errors[index - 1] ?? "");
      isGood = true;
      const last = () => context.logged.at(-1)?.message;
      await eventually(() => last() === "metrics reach OpenTelemetry again", "the end of the failure");
      expect(JSON.stringify(context.logged)).not.toContain(SECRET);
    });
  }
});

test("a redirect is not followed, because the key could go to any place", async () => {
  const other = await startWeb(reply("200 OK"));
  const web = await startWeb(reply(`307 Temporary Redirect\r\nlocation: ${other.url}/v1/metrics`));
  const { context } = startMonitor(web.url);
  await eventually(() => errorsIn(context).includes("status 307"), "the reason");
  await eventually(() => web.requests.length >= 3, "more attempts");
  expect(other.requests).toEqual([]);
});

test("if a collector takes a part only, or writes nonsense, its own words are in the log without the key", async () => {
  const said = `no room for ${SECRET}`;
  // ExportMetricsServiceResponse, partial_success: rejected_data_points 5, error_message.
  const inner = `\x08\x05\x12${String.fromCharCode(said.length)}${said}`;
  const web = await startWeb(reply("200 OK", `\x0a${String.fromCharCode(inner.length)}${inner}`));
  const { context } = startMonitor(web.url);
  // On a busy machine an earlier attempt may be late, which is a warning too.
  const remark = () =>
    context.logged
      .filter(({ level }) => level === "warn")
      .map(({ fields }) => String(fields["problem"]))
      .join("\n");
  await eventually(() => remark().includes("no room for ***"), "the collector's words");
  expect(remark()).toContain('"rejectedDataPoints":5');
  expect(JSON.stringify(context.logged)).not.toContain(SECRET);
});

test("an answer that cannot be read counts as taken, because its status says so", async () => {
  const web = await startWeb((socket) => socket.end(ok("\xff\xff\xff not protobuf")));
  const { context } = startMonitor(web.url);
  await eventually(() => web.requests.length >= 3, "three requests");
  expect(errorsIn(context).filter((error) => error !== "undefined")).toEqual([]);
});

describe("the end of the daemon is bounded", () => {
  const closeMs = async (monitor: Otlp) => {
    const startedAtMs = performance.now();
    await monitor.close();
    return performance.now() - startedAtMs;
  };

  test("a collector gets the last metrics", async () => {
    const web = await startWeb(reply("200 OK"));
    const { monitor } = startMonitor(web.url);
    await eventually(() => web.requests.length >= 1, "the first request");
    const before = web.requests.length;
    await monitor.close();
    expect(web.requests.length).toBeGreaterThan(before);
  });

  test("a collector that does not answer cannot delay it, and its connections are closed", async () => {
    const sockets: Socket[] = [];
    const web = await startWeb((socket) => sockets.push(socket));
    const { context, monitor } = startMonitor(web.url);
    await eventually(() => web.requests.length >= 1, "the first request");
    expect(await closeMs(monitor)).toBeLessThan(CLOSE_MS * 4);
    await eventually(() => sockets.every(({ destroyed }) => destroyed), "the end of all connections");
    const lines = context.logged.length;
    await Bun.sleep(INTERVAL_MS);
    expect(context.logged).toHaveLength(lines);
  });

  test("a collector that is gone is not tried again", async () => {
    const { context, monitor } = startMonitor(`http://127.0.0.1:${await freePort()}`);
    await eventually(() => errorsIn(context).length > 0, "the failure");
    expect(errorsIn(context)).toEqual([expect.stringMatching(/^(ECONNREFUSED|ConnectionRefused)$/)]);
    await monitor.close();
  });

  test("a monitor that was never started, or ends at once, ends", async () => {
    const context = testContext();
    const destination = { url: "http://127.0.0.1:9/v1/metrics", shown: "x", origin: "-otlp" };
    await new Otlp(destination, context).close();
    const monitor = new Otlp(destination, context);
    monitor.start();
    await monitor.close();
  });
});

/** A body that is longer than any answer of a collector, and has no end. */
function endless(socket: Socket): void {
  socket.write("HTTP/1.1 200 OK\r\n\r\n");
  flood(socket, "x".repeat(65_536));
}

function trickle(socket: Socket): void {
  socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
  const timer = setInterval(() => socket.write("x"), 20);
  socket.on("close", () => clearInterval(timer));
}
