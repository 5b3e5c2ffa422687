/**
 * The cost of the daemon in front of each request. Every proxy with the shipped files is compared with the
 * same proxy without them: by the requests a second at its limit, and by the visitors' waits at half of that
 * limit.
 */

import { apache } from "./apache.ts";
import { caddy } from "./caddy.ts";
import { envoy } from "./envoy.ts";
import { haproxy } from "./haproxy.ts";
import { WRK_MISSING, wrkSeconds } from "./http.ts";
import { nginx } from "./nginx.ts";
import { median, notMeasuredRow, type Row, ratioRow } from "./report.ts";
import type { Setup } from "./setup.ts";
import { traefik } from "./traefik.ts";
import { buildWait, type Contender, takeTurns, type Wait, type Way, withWays } from "./ways.ts";

const CONTENDERS: readonly Contender[] = [nginx, haproxy, envoy, caddy, apache, traefik];

/** The least share of the rate of the way that `besides` names. */
const BESIDES_AT_LEAST = 0.95;

/** Visitors do not notice a longer wait that is shorter than this. */
const ADDED_P99_MS_MAX = 1;

export async function benchProxies(setup: Setup): Promise<Row[]> {
  if (Bun.which("wrk") === null) return [notMeasuredRow("proxies", WRK_MISSING)];
  const wait = await buildWait();
  const rows: Row[] = [];
  for (const contender of CONTENDERS) {
    const missing = contender.missing();
    if (missing !== undefined) rows.push(notMeasuredRow(contender.name, missing));
    else
      rows.push(...(await measure(contender, wait, setup).catch((error: Error) => failed(contender, error))));
  }
  return rows;
}

/** If one proxy does not start, the others are still measured. */
function failed({ name }: Contender, error: Error): Row[] {
  process.stderr.write(`${name}: ${error.stack}\n`);
  return [notMeasuredRow(name, error.message.split("\n", 1)[0] ?? "")];
}

function measure({ name, ways }: Contender, wait: Wait, setup: Setup): Promise<Row[]> {
  return withWays(ways, async (urls) => {
    const rates = await takeTurns(urls, setup.turns, wrkSeconds(setup));
    for (const [way, turns] of rates)
      setup.say(`${name}, ${way.name}: ${Math.round(median(turns))} a second`);
    const [bare, ...others] = ways;
    const bareRates = (bare && rates.get(bare)) ?? [];
    const shares = others.map((way) =>
      ratioRow(`${name}, ${way.name}, of bare`, rates.get(way) ?? [], bareRates, way.atLeast),
    );
    for (const way of others) {
      const other = ways.find(({ name: otherName }) => otherName === way.besides);
      if (other === undefined) continue;
      const what = `${name}, ${way.name}, of ${other.name}`;
      shares.push(ratioRow(what, rates.get(way) ?? [], rates.get(other) ?? [], BESIDES_AT_LEAST));
    }
    return bare === undefined
      ? shares
      : [...shares, ...(await waits(name, bare, others, urls, rates, wait, setup))];
  });
}

/** The wait that each way adds for 99 of 100 visitors, at half of the way's limit, turn by turn with bare. */
async function waits(
  name: string,
  bare: Way,
  others: readonly Way[],
  urls: ReadonlyMap<Way, string>,
  rates: ReadonlyMap<Way, number[]>,
  wait: Wait,
  setup: Setup,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const way of others) {
    const rate = median(rates.get(way) ?? []) / 2;
    const p99 = { bare: [] as number[], way: [] as number[] };
    for (let turn = 0; turn < setup.turns; turn++) {
      p99.bare.push((await wait(urls.get(bare) ?? "", rate, setup.seconds)).p99Ms);
      p99.way.push((await wait(urls.get(way) ?? "", rate, setup.seconds)).p99Ms);
    }
    const addedMs = median(p99.way) - median(p99.bare);
    setup.say(`${name}, ${way.name}: p99 ${median(p99.way)} ms, bare ${median(p99.bare)} ms`);
    rows.push({
      what: `${name}, ${way.name}: p99 added at half its limit`,
      figure: `${addedMs.toFixed(2)} ms (${median(p99.way).toFixed(2)}, bare ${median(p99.bare).toFixed(2)}, at ${Math.round(rate)} a second)`,
      bound: `< ${ADDED_P99_MS_MAX} ms`,
      verdict: addedMs < ADDED_P99_MS_MAX ? "ok" : "MISSED",
    });
  }
  return rows;
}
