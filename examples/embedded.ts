/**
 * An application that decides by itself which version serves a visitor, without a daemon. Run it with Bun;
 * Node cannot.
 */
import {
  assignmentOfText,
  emptyRequest,
  Feed,
  Handler,
  Metrics,
  openStore,
  Rollout,
  silentLog,
} from "maxwells-daemon";

const rollout = new Rollout(["website"], 8_000);
const store = await openStore("file:rollouts.json", {
  table: "",
  region: "",
  environment: process.env,
  warn: console.warn,
});
const metrics = new Metrics(rollout.placements);
new Feed({ store, rollout, metrics, delayMs: 4_000, log: silentLog }).start();
const handler = new Handler({ rollout, allowForce: false });

// The cookie lasts a year. A reply with it is for one visitor, so no shared cache may store it.
const cookie = { maxAge: 31_536_000, httpOnly: true, sameSite: "lax" } as const;
const headers = { "cache-control": "private, no-cache" };

const routes = {
  "/": ({ cookies }: Bun.BunRequest) => {
    const assignment = assignmentOfText(cookies.get("visitor") ?? "");
    const decision = handler.emptyDecision();
    handler.decide({ ...emptyRequest(), assignment }, performance.now(), decision);
    cookies.set("visitor", String(decision.assignment), cookie);
    return new Response(`${decision.placement.location} serves you\n`, { headers });
  },
};
const server = Bun.serve({ hostname: "127.0.0.1", port: Number(process.env["PORT"] ?? 8080), routes });
console.log(`listening on ${server.url}`);
