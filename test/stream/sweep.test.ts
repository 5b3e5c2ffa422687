/**
 * If many connections have to go at once, they go in slices, and visitors are answered between slices (law
 * 5).
 */

import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Socket } from "bun";
import { LineServer } from "../../src/servers/line.ts";
import { REQUEST_MS_MAX } from "../../src/stream/stream-connection.ts";
import { createCore } from "../support/core.ts";
import { eventually } from "../support/eventually.ts";

const CLIENTS = 2_000;

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (let end = endings.pop(); end !== undefined; end = endings.pop()) await end();
});

test("thousands of requests that do not end in time are cut off, some in each turn of the event loop", async () => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-"));
  endings.push(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "socket");
  const core = createCore();
  const server = new LineServer(core, {
    address: { kind: "unix", path },
    socketMode: 0o600,
    idleTimeoutMs: 60_000,
  });
  await server.start();
  endings.push(() => server.close());
  const counts = core.metrics.servers[0];
  const clients: Socket[] = [];
  endings.push(() => {
    for (const client of clients) client.terminate();
  });
  for (let index = 0; index < CLIENTS; index++) {
    const client = await Bun.connect({ unix: path, socket: { data() {}, error() {} } });
    client.write("0.");
    clients.push(client);
  }
  await eventually(() => counts?.connections === CLIENTS, "all are connected");
  await Bun.sleep(20);
  const cutOffInTurns: number[] = [];
  let before = counts?.failure ?? 0;
  const look = () => {
    const now = counts?.failure ?? 0;
    if (now > before) cutOffInTurns.push(now - before);
    before = now;
    if (now < CLIENTS) setImmediate(look);
  };
  core.advance(REQUEST_MS_MAX);
  look();
  await eventually(() => counts?.failure === CLIENTS, "all are cut off");
  expect(Math.max(...cutOffInTurns)).toBeLessThan(CLIENTS / 4);
});
