/** A Fastify application that serves master and canary: `node fastify.js`. */

import fastify from "fastify";
import { Client } from "maxwells-daemon/client";
import { maxwellsDaemon } from "maxwells-daemon/fastify";

const client = new Client({
  address: process.env.MAXWELLS_DAEMON_SOCKET ?? "unix:/run/maxwells-daemon.sock",
  onEvent: ({ message }) => console.warn(message),
});

// CHANGE: behind a balancer that does TLS, so that the cookie is Secure: fastify({ trustProxy: "127.0.0.1" })
const app = fastify();
await app.register(maxwellsDaemon, { client, allowForce: process.env.ALLOW_FORCE === "1" });

// Replies say which version served them. `maxwells-daemon doctor` uses this to prove the split.
app.addHook("onSend", async (request, reply) => {
  reply.header("maxwellsdaemon-location", request.maxwellsdaemon?.location ?? "master");
});

// One line a request. README.md counts errors by version with it. The line has application, location,
// assignment, status, seconds, and `new` if the visitor did not bring its assignment. If a visitor left
// early, the location may be missing.
app.addHook("onResponse", async (request, reply) => {
  const { location = "-", assignment = "-", isNew } = request.maxwellsdaemon ?? {};
  const seconds = (reply.elapsedTime / 1000).toFixed(3);
  console.log(`website ${location} ${assignment} ${reply.statusCode} ${seconds} ${isNew ? "new" : "-"}`);
});

app.get("/*", async (request) => {
  if (request.maxwellsdaemon.location === "canary") return "the canary serves you\n";
  return "master serves you\n";
});

const port = Number(process.env.PORT ?? 8080);
await app.listen({ host: "127.0.0.1", port });
console.log(`listening on http://127.0.0.1:${port}`);
