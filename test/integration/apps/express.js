/**
 * An Express application that answers like an upstream, with the request that it saw: `Seen` in
 * test/support/upstream.ts.
 */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import express from "express";
import { Client } from "maxwells-daemon/client";
import { maxwellsDaemon } from "maxwells-daemon/express";

const client = new Client({
  address: process.env.MAXWELLS_DAEMON_SOCKET,
  timeoutMs: Number(process.env.TIMEOUT_MS ?? 8),
  onEvent: ({ message }) => console.warn(message),
});

const app = express();
app.set("trust proxy", "loopback");
app.use(maxwellsDaemon({ client, allowForce: process.env.ALLOW_FORCE === "1" }));
if (process.env.TWICE === "1") app.use(maxwellsDaemon({ client }));
app.use(express.text({ type: () => true, limit: "1mb" }));
app.all("/{*path}", (request, response) => {
  // The header as a whole, like a proxy that copies its upstream's headers.
  const cookie = request.headers["x-set-cookie"];
  if (cookie !== undefined) response.setHeader("set-cookie", cookie);
  const cacheControl = request.headers["x-cache-control"];
  if (cacheControl !== undefined) response.setHeader("cache-control", cacheControl);
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
