/** An application that decides by itself which version serves a visitor, without a daemon. Run it with Bun; Node cannot. */
import { assignmentOfText } from "maxwells-daemon/assignment";
import { Feed } from "maxwells-daemon/feed";
import { emptyRequest, Handler } from "maxwells-daemon/handler";
import { silentLog } from "maxwells-daemon/log";
import { Metrics } from "maxwells-daemon/metrics";
import { Rollout } from "maxwells-daemon/rollout";
import { openStore } from "maxwells-daemon/stores/list";

const rollout = new Rollout(["website"], 8_000);
const store = await openStore("file:rollouts.json", { table: "", region: "", warn: console.warn });
const metrics = new Metrics(rollout.placements);
new Feed({ store, rollout, metrics, delayMs: 4_000, log: silentLog }).start();
const handler = new Handler({ rollout, allowForce: false });

// For a year. A reply with this cookie is one visitor's, so no shared cache may store it.
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
