/**
 * The speed of a rescue: the canary of a release fails for every visitor, and the judge takes it back. Real
 * proxies report, and real daemons judge: one, and a fleet of five, on each store that a daemon can write.
 */

import { haproxyMissing } from "../test/support/haproxy.ts";
import { nginxMissing } from "../test/support/nginx.ts";
import { limitRow, median, notMeasuredRow, type Row } from "./report.ts";
import { DELAY_MS, type Run, runReleases } from "./rescue/fleets.ts";
import { PROXIES } from "./rescue/site.ts";
import type { Setup } from "./setup.ts";
import { type Engine, enginesOf } from "./stores/engines.ts";

const WHAT = "rescue, 1 % of 10 visitors a second";

const FLEETS = [
  { daemons: 1, name: "1 daemon", secondsMax: 3, isPollAdded: false },
  { daemons: 5, name: "5 daemons", secondsMax: 5, isPollAdded: true },
] as const;
type Fleet = (typeof FLEETS)[number];

const HURT_MAX = 8;

/** The releases of each fleet behind each proxy. They run at the same time. */
const RELEASES = { full: 5, quick: 2 } as const;

export async function benchRescue(setup: Setup): Promise<Row[]> {
  const missing = nginxMissing() ?? haproxyMissing();
  if (missing !== undefined) return [notMeasuredRow(WHAT, missing)];
  const count = RELEASES[setup.turns > 3 ? "full" : "quick"];
  const rows: Row[] = [];
  const all: Run[] = [];
  // A daemon cannot write to a web server.
  for (const engine of enginesOf(setup).filter(({ name }) => name !== "http")) {
    const unable = engine.missing();
    if (unable !== undefined) {
      rows.push(notMeasuredRow(`${WHAT}: ${engine.name}`, unable));
      continue;
    }
    const sizes = FLEETS.map(({ daemons }) => daemons);
    const runs = await runReleases(engine, sizes, count);
    for (const { daemons, proxy, tookMs, hurt } of runs) {
      setup.say(`rescue, ${engine.name}, ${daemons}, ${proxy}: ${Math.round(tookMs)} ms, ${hurt} hurt`);
    }
    rows.push(...speedRows(engine, runs));
    all.push(...runs);
  }
  return [...rows, ...FLEETS.map((fleet) => hurtRow(fleet, all))];
}

function speedRows(engine: Engine, runs: readonly Run[]): Row[] {
  return FLEETS.flatMap((fleet) =>
    PROXIES.map((proxy) => {
      const seconds = of(fleet, runs)
        .filter((run) => run.proxy === proxy)
        .map(({ tookMs }) => tookMs / 1_000);
      const what = `${WHAT}: ${engine.name}, ${proxy}, ${fleet.name}`;
      const details = `slowest of ${seconds.length} releases, median ${median(seconds).toFixed(1)}`;
      const pollSeconds = fleet.isPollAdded && !engine.isPush ? (engine.lookEveryMs ?? DELAY_MS) / 1_000 : 0;
      return limitRow(what, Math.max(...seconds), "s", details, fleet.secondsMax + pollSeconds);
    }),
  );
}

function hurtRow(fleet: Fleet, all: readonly Run[]): Row {
  const hurt = of(fleet, all).map((run) => run.hurt);
  const details = `most of ${hurt.length} releases, on all stores; median ${median(hurt)}`;
  return limitRow(`${WHAT}: hurt, ${fleet.name}`, Math.max(...hurt), "visitors", details, HURT_MAX);
}

function of({ daemons }: Fleet, runs: readonly Run[]): Run[] {
  return runs.filter((run) => run.daemons === daemons);
}
