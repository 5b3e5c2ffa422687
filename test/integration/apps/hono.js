/**
 * A Hono application that answers like an upstream, with the request that it saw: `Seen` in
 * test/support/upstream.ts.
 */

import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { serve } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import { Client } from "maxwells-daemon/client";
import { maxwellsDaemon, upstreamHeaders } from "maxwells-daemon/hono";

const client = new Client({
  address: process.env.MAXWELLS_DAEMON_SOCKET,
  timeoutMs: Number(process.env.TIMEOUT_MS ?? 8),
  onEvent: ({ message }) => console.warn(message),
});

const app = new Hono();
app.use(
  maxwellsDaemon({
    client,
    application: process.env.APPLICATION,
    allowForce: process.env.ALLOW_FORCE === "1",
    secure: process.env.SECURE === "1",
  }),
);
if (process.env.TWICE === "1") app.use(maxwellsDaemon({ client }));
app.get("/sent", (c) => {
  const { outgoing } = c.env;
  outgoing.writeHead(200, { "content-type": "text/plain" });
  outgoing.write("begun, ");
  setTimeout(() => outgoing.end("ended"), 30);
  return RESPONSE_ALREADY_SENT;
});
app.all("/*", async (c) => {
  const seen = {
    name: c.var.maxwellsdaemon.location,
    headers: Object.fromEntries(upstreamHeaders(c)),
    body: await c.req.text(),
  };
  await new Promise((resolve) => setTimeout(resolve, Number(c.req.header("x-wait-ms") ?? 0)));
  const response = Response.json(seen, { status: Number(c.req.header("x-status") ?? 200) });
  const cookie = c.req.header("x-set-cookie");
  if (cookie !== undefined) response.headers.append("set-cookie", cookie);
  const cacheControl = c.req.header("x-cache-control");
  if (cacheControl !== undefined) response.headers.set("cache-control", cacheControl);
  return response;
});

const port = Number(process.env.PORT);
const { TLS_KEY, TLS_CERTIFICATE } = process.env;
const tls = TLS_KEY
  ? { createServer, serverOptions: { key: readFileSync(TLS_KEY), cert: readFileSync(TLS_CERTIFICATE) } }
  : {};
serve({ fetch: app.fetch, hostname: "127.0.0.1", port, ...tls }, () => {
  console.log(`listening on port ${port}`);
});
