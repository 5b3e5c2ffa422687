/** An application that decides by itself which version serves a visitor: the parts, without daemon and socket. */
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

const routes = {
  "/": ({ cookies }: Bun.BunRequest) => {
    const assignment = assignmentOfText(cookies.get("visitor") ?? "");
    const decision = handler.emptyDecision();
    handler.decide({ ...emptyRequest(), assignment }, performance.now(), decision);
    cookies.set("visitor", String(decision.assignment));
    return new Response(`${decision.placement.location} serves you\n`);
  },
};
const server = Bun.serve({ hostname: "127.0.0.1", port: Number(process.env["PORT"] ?? 8080), routes });
console.log(`listening on ${server.url}`);
