/** A Hono application that serves master and canary: `node hono.js`; Bun and Deno serve `app.fetch` themselves. */

import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { Client } from "maxwells-daemon/client";
import { maxwellsDaemon } from "maxwells-daemon/hono";

const client = new Client({
  address: process.env.MAXWELLS_DAEMON_SOCKET ?? "unix:/run/maxwells-daemon.sock",
  onEvent: ({ message }) => console.warn(message),
});

const app = new Hono();
// CHANGE: behind a balancer that does TLS, so that the cookie is Secure: secure: true
app.use(maxwellsDaemon({ client, allowForce: process.env.ALLOW_FORCE === "1" }));

app.get("/*", (c) => {
  if (c.var.maxwellsdaemon.location === "canary") return c.text("the canary serves you\n");
  return c.text("master serves you\n");
});

const port = Number(process.env.PORT ?? 8080);
serve({ fetch: app.fetch, hostname: "127.0.0.1", port }, () => {
  console.log(`listening on http://127.0.0.1:${port}`);
});
