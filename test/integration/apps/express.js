/**
 * An Express application that answers like an upstream, with the request that it saw: `Seen` in
 * test/support/upstream.ts.
 */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { setTimeout } from "node:timers/promises";
import express from "express";
import { Client } from "maxwells-daemon/client";
import { maxwellsDaemon } from "maxwells-daemon/express";

const client = new Client({
  address: process.env.MAXWELLS_DAEMON_SOCKET,
  timeoutMs: Number(process.env.TIMEOUT_MS ?? 8),
  onEvent: ({ message }) => console.warn(message),
});

const app = express();
if (process.env.TRUST !== "none") app.set("trust proxy", "loopback");
const application = process.env.APPLICATION;
app.use(maxwellsDaemon({ client, application, allowForce: process.env.ALLOW_FORCE === "1" }));
if (process.env.TWICE === "1") app.use(maxwellsDaemon({ client }));
app.use(express.text({ type: () => true, limit: "1mb" }));
app.all("/{*path}", async (request, response) => {
  // The header as a whole, like a proxy that copies its upstream's headers.
  const cookie = request.headers["x-set-cookie"];
  if (cookie !== undefined) response.setHeader("set-cookie", cookie);
  const cacheControl = request.headers["x-cache-control"];
  if (cacheControl !== undefined) response.setHeader("cache-control", cacheControl);
  await setTimeout(Number(request.headers["x-wait-ms"] ?? 0));
  response.status(Number(request.headers["x-status"] ?? 200));
  response.json({
    name: request.maxwellsdaemon.location,
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    headersDistinct: request.headersDistinct,
    body: request.body ?? "",
  });
});

const port = Number(process.env.PORT);
const { TLS_KEY, TLS_CERTIFICATE } = process.env;
const server = TLS_KEY
  ? createTlsServer({ key: readFileSync(TLS_KEY), cert: readFileSync(TLS_CERTIFICATE) }, app)
  : createServer(app);
server.listen(port, "127.0.0.1", () => console.log(`listening on port ${port}`));
