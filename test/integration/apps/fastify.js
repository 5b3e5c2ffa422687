/**
 * A Fastify application that answers like an upstream, with the request that it saw: `Seen` in
 * test/support/upstream.ts.
 */

import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import fastify from "fastify";
import { Client } from "maxwells-daemon/client";
import { maxwellsDaemon } from "maxwells-daemon/fastify";

const client = new Client({
  address: process.env.MAXWELLS_DAEMON_SOCKET,
  timeoutMs: Number(process.env.TIMEOUT_MS ?? 8),
  onEvent: ({ message }) => console.warn(message),
});

const { TLS_KEY, TLS_CERTIFICATE } = process.env;
const tls = TLS_KEY ? { https: { key: readFileSync(TLS_KEY), cert: readFileSync(TLS_CERTIFICATE) } } : {};
const app = fastify({ trustProxy: process.env.TRUST === "none" ? false : "127.0.0.1", ...tls });
const application = process.env.APPLICATION;
await app.register(maxwellsDaemon, { client, application, allowForce: process.env.ALLOW_FORCE === "1" });
if (process.env.TWICE === "1") await app.register(maxwellsDaemon, { client });
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));
app.all("/*", async (request, reply) => {
  const cookie = request.headers["x-set-cookie"];
  if (cookie !== undefined) reply.header("set-cookie", cookie);
  const cacheControl = request.headers["x-cache-control"];
  if (cacheControl !== undefined) reply.header("cache-control", cacheControl);
  await setTimeout(Number(request.headers["x-wait-ms"] ?? 0));
  reply.code(Number(request.headers["x-status"] ?? 200));
  return {
    name: request.maxwellsdaemon.location,
    headers: request.headers,
    rawHeaders: request.raw.rawHeaders,
    headersDistinct: request.raw.headersDistinct,
    body: request.body ?? "",
  };
});

const port = Number(process.env.PORT);
await app.listen({ host: "127.0.0.1", port });
console.log(`listening on port ${port}`);
