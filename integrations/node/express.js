/** An Express application that serves master and canary: `node express.js`. */

import express from "express";
import { Client } from "maxwells-daemon/client";
import { maxwellsDaemon } from "maxwells-daemon/express";

const client = new Client({
  address: process.env.MAXWELLS_DAEMON_SOCKET ?? "unix:/run/maxwells-daemon.sock",
  onEvent: ({ message }) => console.warn(message),
});

const app = express();
// CHANGE: behind a balancer that does TLS, so that the cookie is Secure: app.set("trust proxy", "loopback");
app.use(maxwellsDaemon({ client, allowForce: process.env.ALLOW_FORCE === "1" }));

// One line a request, after the middleware. README.md counts errors by version with it. The line has
// application, location, assignment, status, seconds, and `new` if the visitor did not bring its assignment.
app.use((request, response, next) => {
  const beganMs = performance.now();
  const { location, assignment = "-", isNew } = request.maxwellsdaemon;
  // Replies say which version served them. `maxwells-daemon doctor` uses this to prove the split.
  response.set("maxwellsdaemon-location", location);
  response.on("close", () => {
    const seconds = ((performance.now() - beganMs) / 1000).toFixed(3);
    console.log(`website ${location} ${assignment} ${response.statusCode} ${seconds} ${isNew ? "new" : "-"}`);
  });
  next();
});

app.get("/{*path}", (request, response) => {
  if (request.maxwellsdaemon.location === "canary") response.send("the canary serves you\n");
  else response.send("master serves you\n");
});

const port = Number(process.env.PORT ?? 8080);
app.listen(port, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${port}`));
