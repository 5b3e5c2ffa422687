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

app.get("/*", async (request) => {
  if (request.maxwellsdaemon.location === "canary") return "the canary serves you\n";
  return "master serves you\n";
});

const port = Number(process.env.PORT ?? 8080);
await app.listen({ host: "127.0.0.1", port });
console.log(`listening on http://127.0.0.1:${port}`);
