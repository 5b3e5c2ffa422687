/** What Hono alone needs: `frameworks.test.ts` has what all frameworks promise. */

import { expect, test } from "bun:test";
import { Hono } from "hono";
import { Client } from "../../src/client/client.ts";
import { maxwellsDaemon } from "../../src/middleware/hono.ts";
import { FakeDaemon } from "../support/line-peer.ts";

test("an answer that becomes a WebSocket is left as it is, also for a new visitor", async () => {
  let drawn = 0;
  await using fake = await FakeDaemon.start((_, socket) => void socket.write(`0.${++drawn}\nmaster\n`));
  const client = new Client({ address: fake.address, timeoutMs: 5_000 });
  const upgraded = new Response(null, { status: 101 });
  const app = new Hono()
    .use(maxwellsDaemon({ client }))
    .get("/socket", () => upgraded)
    .get("/page", () => new Response("the page"));
  expect((await app.request("/page")).headers.getSetCookie()).toHaveLength(1);
  expect(await app.request("/socket")).toBe(upgraded);
  expect(client.stats.decided).toBe(2);
  expect(upgraded.headers.getSetCookie()).toEqual([]);
  client.close();
});
