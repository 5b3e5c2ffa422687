/** Streams of changes (docs/protocol/ofrep.md). */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { Changes, STREAMS_MAX } from "../../../src/servers/ofrep/changes.ts";
import { type Core, createCore, UNHEALTHY_MS } from "../../support/core.ts";
import { eventually } from "../../support/eventually.ts";
import type { HttpClient } from "../../support/http.ts";
import { answerOf, Listener } from "./listener.ts";

const EVENT = /id: \d+\nevent: message\ndata: \{"type":"refetchEvaluation"\}\n\n/g;

let listener: Listener;
let core: Core;

beforeEach(async () => {
  listener = await Listener.start({ applications: ["app", "web"] });
  core = listener.core;
  core.apply("app", { rollout: 0.5 });
  core.apply("web");
});

afterEach(() => listener.close());

const eventsIn = (client: HttpClient) => client.received.match(EVENT)?.length ?? 0;

async function open(target = "/ofrep/events"): Promise<HttpClient> {
  const client = await listener.connect();
  client.send("GET", target);
  await client.reply();
  return client;
}

/** Less than the time after which the records are too old, which is an event, too. */
const HEARS_MS = 6_000;

async function hears(client: HttpClient, count: number): Promise<void> {
  await eventually(() => eventsIn(client) >= count, `${count} events`, HEARS_MS);
  expect(eventsIn(client)).toBe(count);
}

async function streamsOf(context: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
  const body = JSON.stringify({ context: { targetingKey: "a", ...context } });
  return answerOf(await listener.post(undefined, body))["eventStreams"];
}

test("OFR-14: all flags come with the address of the stream, for one application if only that is wanted", async () => {
  const at = (requestUri: string) => [{ type: "sse", endpoint: { requestUri } }];
  expect(await streamsOf()).toEqual(at("/ofrep/events"));
  const context = { "maxwellsdaemon-application": "a b&é" };
  expect(await streamsOf(context)).toEqual(at("/ofrep/events?application=a%20b%26%C3%A9"));
});

test("OFR-14: a stream has the type of server-sent events, and begins with an event", async () => {
  const client = await listener.connect();
  client.send("GET", "/ofrep/events", { accept: "text/event-stream" });
  const { status, headers } = await client.reply();
  expect(status).toBe(200);
  expect(Object.fromEntries(headers)).toMatchObject({
    ...{ "content-type": "text/event-stream", "cache-control": "no-store" },
    ...{ "x-accel-buffering": "no", connection: "close" },
  });
  await hears(client, 1);
  const [, retry] = /^retry: (\d+)\n/.exec(client.received) ?? [];
  expect(Number(retry)).toBeWithin(1_000, 5_001);
  client.close();
});

test("OFR-14: each change of the arcs is an event, also the loss of the store; a reading without a change is none", async () => {
  const client = await open();
  await hears(client, 1);
  core.apply("app", { rollout: 0.6 });
  await hears(client, 2);
  core.rollout.renew(core.rollout.first, core.clock());
  core.apply("web", { rollout: 1 });
  await hears(client, 3);
  core.advance(UNHEALTHY_MS);
  await hears(client, 4);
  core.rollout.renew(core.rollout.first, core.clock());
  await hears(client, 5);
  client.close();
});

test("OFR-14: a stream for one application hears only of that one", async () => {
  const [app, web, all] = await Promise.all([
    open("/ofrep/events?application=app"),
    open("/ofrep/events?application=w%65b"),
    open(),
  ]);
  core.apply("web", { rollout: 0.2 });
  await hears(web, 2);
  await hears(all, 2);
  core.apply("app", { rollout: 0.2 });
  await hears(app, 2);
  await hears(all, 3);
  expect(eventsIn(web)).toBe(2);
  for (const client of [app, web, all]) client.close();
});

test("OFR-14: a stream answers no further requests, and ends with its client", async () => {
  const client = await open();
  client.send("GET", "/decide", { maxwellsdaemon: "0.1" });
  core.apply("app", { rollout: 0.6 });
  await hears(client, 2);
  expect(client.received).not.toContain("maxwellsdaemon");
  client.socket.end();
  await client.ended();
  await eventually(() => core.metrics.servers[0]?.connections === 1, "the connection is forgotten");
});

test.each(["POST", "PUT", "HEAD"])("OFR-14: %s opens no stream", async (method) => {
  const client = await listener.connect();
  expect((await client.ask(method, "/ofrep/events")).status).toBe(404);
  expect((await client.ask("GET", "/ofrep/eventsx")).status).toBe(404);
  client.close();
});

test("OFR-15: a client that does not read misses events, and gets one when it has read", () => {
  const changes = new Changes(core.rollout, core.clock);
  let isReading = true;
  let sent = 0;
  const stream = changes.open(undefined, () => {
    if (isReading) sent++;
    return isReading;
  });
  stream.changed();
  isReading = false;
  for (let change = 0; change < 1_000; change++) stream.changed();
  stream.beat();
  isReading = true;
  expect(sent).toBe(1);
  stream.caughtUp();
  stream.caughtUp();
  expect(sent).toBe(2);
  stream.close();
});

test("OFR-15: a silent stream gets a comment every 15 s", async () => {
  const timed = createCore();
  timed.apply("app", { rollout: 0.5 });
  const changes = new Changes(timed.rollout, timed.clock);
  const sent: string[] = [];
  const stream = changes.open(undefined, (bytes) => sent.push(String(bytes)) > 0);
  const renewed = () => timed.rollout.renew(timed.rollout.first, timed.clock());
  timed.advance(8_000);
  renewed();
  await Bun.sleep(1_100);
  expect(sent).toEqual([]);
  timed.advance(7_000);
  renewed();
  await eventually(() => sent.length > 0, "a comment");
  expect(sent).toEqual([":\n\n"]);
  stream.close();
});

test("OFR-15: a listener has 1024 streams at most; then all flags come without an address of a stream", async () => {
  const clients: HttpClient[] = [];
  for (let i = 0; i < STREAMS_MAX; i++) clients.push(await open());
  expect(await streamsOf()).toBeUndefined();
  const late = await listener.connect();
  const { status, headers } = await late.ask("GET", "/ofrep/events");
  expect([status, headers.get("connection")]).toEqual([503, "close"]);
  core.apply("app", { rollout: 0.6 });
  await eventually(() => clients.every((client) => eventsIn(client) === 2), "all clients hear the change");
  for (const client of clients) client.close();
  await eventually(async () => (await streamsOf()) !== undefined, "the streams are closed");
}, 60_000);

test("OFR-15: streams end with the daemon", async () => {
  const client = await open();
  await listener.close();
  await client.ended();
  listener = await Listener.start({});
});
