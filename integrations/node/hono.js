/**
 * A Hono application that serves master and canary: `node hono.js`; Bun and Deno serve `app.fetch`
 * themselves.
 */

import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { Client } from "maxwells-daemon/client";
import { maxwellsDaemon } from "maxwells-daemon/hono";

const client = new Client({
  address: process.env.MAXWELLS_DAEMON_SOCKET ?? "unix:/run/maxwells-daemon.sock",
  onEvent: ({ message }) => console.warn(message),
});

const app = new Hono();

// One line a request, before the middleware. README.md counts errors by version with it. The line has
// application, location, assignment, status, seconds, and `new` if the visitor did not bring its assignment.
app.use(async (c, next) => {
  const beganMs = performance.now();
  await next();
  const { location, assignment = "-", isNew } = c.var.maxwellsdaemon;
  // Replies say which version served them. `maxwells-daemon doctor` uses this to prove the split.
  c.header("maxwellsdaemon-location", location);
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(3);
  console.log(`website ${location} ${assignment} ${c.res.status} ${seconds} ${isNew ? "new" : "-"}`);
});

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
