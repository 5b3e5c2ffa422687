/** Tests that only Hono needs; `frameworks.test.ts` has the promises of all frameworks. */

import { expect, test } from "bun:test";
import { Hono } from "hono";
import { Client } from "../../src/client/client.ts";
import { maxwellsDaemon } from "../../src/middleware/hono.ts";
import { eventually } from "../support/eventually.ts";
import { FakeDaemon, replyTo } from "../support/line-peer.ts";

/** A daemon that gives each new visitor another assignment. */
function drawing(): Promise<FakeDaemon> {
  let drawn = 0;
  return FakeDaemon.start((line, socket) => {
    const [assignment] = line.split(" ", 1);
    socket.write(replyTo(assignment || `0.${++drawn}5`));
  });
}

test("an answer that becomes a WebSocket does not change, for a new visitor either", async () => {
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

test("served by Bun, a page has the same type for a new visitor as for a known one", async () => {
  await using fake = await drawing();
  const client = new Client({ address: fake.address, timeoutMs: 5_000 });
  const html = () => new Response("<p>a page", { headers: { "content-type": "text/html" } });
  await using origin = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: html });
  const app = new Hono()
    .use(maxwellsDaemon({ client }))
    .get("/text", (c) => c.text("a page"))
    .get("/string", () => new Response("a page"))
    .get("/html", (c) => c.html("<p>a page"))
    .get("/file", () => new Response(Bun.file(import.meta.path)))
    .get("/bytes", () => new Response(new Uint8Array(3)))
    .get("/redirect", () => Response.redirect("http://127.0.0.1/"))
    .get("/fetched", () => fetch(origin.url));
  await using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch });
  for (const page of ["text", "string", "html", "file", "bytes", "redirect", "fetched", "nowhere"]) {
    const visit = async (headers: Record<string, string>) => {
      const reply = await fetch(new URL(page, server.url), { headers, redirect: "manual" });
      const cookies = reply.headers.getSetCookie().length;
      return {
        cookies,
        type: reply.headers.get("content-type"),
        status: reply.status,
        body: await reply.text(),
      };
    };
    const known = await visit({ cookie: "maxwellsdaemon=0.5" });
    expect([page, await visit({})]).toEqual([page, { ...known, cookies: 1 }]);
    expect(known.cookies).toBe(0);
  }
  client.close();
});

test("no second copy of a stream is kept for a new visitor, and the stream ends when the visitor leaves", async () => {
  await using fake = await drawing();
  const client = new Client({ address: fake.address, timeoutMs: 5_000 });
  let cancelled = 0;
  const endless = () =>
    new ReadableStream({
      async pull(controller) {
        await Bun.sleep(1);
        controller.enqueue(new Uint8Array(1_000));
      },
      cancel() {
        cancelled++;
      },
    });
  const app = new Hono().use(maxwellsDaemon({ client })).get("/", () => new Response(endless()));
  await using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch });
  const leaving = new AbortController();
  const reply = await fetch(server.url, { signal: leaving.signal });
  expect(reply.headers.getSetCookie()).toHaveLength(1);
  await reply.body?.getReader().read();
  leaving.abort();
  await eventually(() => cancelled === 1, "the stream to be cancelled");
  client.close();
});

test("if the application gives one answer to many visitors, it carries no visitor's cookie", async () => {
  await using fake = await drawing();
  const client = new Client({ address: fake.address, timeoutMs: 5_000 });
  const shared = new Response(null, { status: 204 });
  const app = new Hono().use(maxwellsDaemon({ client })).get("/", () => shared);
  for (const assignment of ["0.15", "0.25"]) {
    const [cookie, ...more] = (await app.request("/")).headers.getSetCookie();
    expect([cookie?.split(";")[0], more]).toEqual([`maxwellsdaemon=${assignment}`, []]);
  }
  expect(shared.headers.getSetCookie()).toEqual([]);
  client.close();
});

test("two middlewares for two applications give a new visitor one assignment, and one cookie with it", async () => {
  await using fake = await drawing();
  const client = new Client({ address: fake.address, timeoutMs: 5_000 });
  const app = new Hono()
    .use(maxwellsDaemon({ client, application: "website" }))
    .use(maxwellsDaemon({ client, application: "shop" }))
    .get("/", (c) => c.text(c.var.maxwellsdaemon.assignment ?? ""));
  for (const cookie of ["", "maxwellsdaemon=0.7"]) {
    const reply = await app.request("/", { headers: { cookie } });
    const assignment = await reply.text();
    const cookies = reply.headers.getSetCookie().map((each) => each.split(";")[0]);
    expect(cookies).toEqual(cookie === "" ? [`maxwellsdaemon=${assignment}`] : []);
  }
  client.close();
});
