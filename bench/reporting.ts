/**
 * The cost of reporting outcomes, for nginx in two ways. Lua with a lease sends pieces of many lines.
 * `auth_request` sends a datagram for each request. Each of them reports nothing, or all outcomes, or good
 * ones of one assignment in ten.
 *
 *     bun bench/reporting.ts [TURNS [SECONDS]]
 *
 * A careful operator gives an nginx at most half of its limit. There the bench counts the requests that are
 * answered in a turn, and nginx's processor time for one of them. At the limit each microsecond counts, so
 * that row has no bound. nginx shares two cores with the daemon that reads the reports, the upstreams and
 * the load.
 */

import type { NginxWay } from "../test/support/nginx.ts";
import { withShare } from "../test/support/nginx.ts";
import { descendantsOf } from "./descendants.ts";
import { WRK_MISSING, wrkSeconds } from "./http.ts";
import { nginx, startWay, withoutReports } from "./nginx.ts";
import { processorMs } from "./process-costs.ts";
import { median, notMeasuredRow, type Row, ratioRow, table } from "./report.ts";
import type { Setup } from "./setup.ts";
import { buildWait, type Stops, takeTurns, type Wait, type Way, withWays } from "./ways.ts";

const WHAT = "nginx that reports outcomes";
const TURNS = 7;
const SECONDS = 2;

/** The least shares of the requests that the way without reports answers at half of its limit. */
const ALL_AT_LEAST = 0.95;
const TENTH_AT_LEAST = 0.99;

/** wrk's visitors have one assignment, so only this way has a row at its limit. */
const ALL = "all";

/** One way of nginx, and how much it reports. */
interface Reporter extends Way {
  /** nginx's main process, from the start on. */
  readonly pids: number[];
  readonly atLeast?: number;
}

export async function benchReporting(setup: Setup): Promise<Row[]> {
  const missing = nginx.missing() ?? (Bun.which("wrk") === null ? WRK_MISSING : undefined);
  if (missing !== undefined) return [notMeasuredRow(WHAT, missing)];
  const wait = await buildWait();
  return [...(await measure("lease", wait, setup)), ...(await measure("auth-request", wait, setup))];
}

function reportersOf(way: NginxWay): readonly [Reporter, ...Reporter[]] {
  const reporter = (name: string, change: (example: string) => string, atLeast?: number): Reporter => {
    const pids: number[] = [];
    const start = async (stops: Stops) => {
      const { url, pid } = await startWay(way, stops, { isAsked: true, change });
      pids.push(pid);
      return url;
    };
    return { name, pids, start, ...(atLeast === undefined ? {} : { atLeast }) };
  };
  return [
    reporter("nothing", withoutReports),
    reporter(ALL, (example) => example, ALL_AT_LEAST),
    reporter("one in ten", withShare, TENTH_AT_LEAST),
  ];
}

function measure(way: NginxWay, wait: Wait, setup: Setup): Promise<Row[]> {
  const reporters = reportersOf(way);
  return withWays(reporters, async (urls) => {
    const [silent, ...others] = reporters;
    const limits = await takeTurns(urls, setup.turns, wrkSeconds(setup));
    const limit = median(limits.get(silent) ?? []);
    setup.say(`${WHAT}, ${way}: ${Math.round(limit)} a second without reports`);
    const answered = new Map(reporters.map((each) => [each, [] as number[]]));
    const processor = new Map(reporters.map((each) => [each, [] as number[]]));
    for (let turn = 0; turn < setup.turns; turn++) {
      for (const each of reporters) {
        const beganMs = usedMs(each);
        const { rate } = await wait(urls.get(each) ?? "", limit / 2, setup.seconds);
        answered.get(each)?.push(rate);
        processor.get(each)?.push((1_000 * (usedMs(each) - beganMs)) / (rate * setup.seconds));
      }
    }
    return others.flatMap((each) => {
      const what = `${WHAT}, ${way}, ${each.name}`;
      const micros = median(processor.get(each) ?? []);
      const silentMicros = median(processor.get(silent) ?? []);
      return [
        ratioRow(
          `${what}: answered at half its limit`,
          of(answered, each),
          of(answered, silent),
          each.atLeast,
        ),
        {
          what: `${what}: nginx's processor time a request there`,
          figure: `${(micros - silentMicros).toFixed(1)} µs more (${micros.toFixed(1)} of ${silentMicros.toFixed(1)})`,
          bound: "",
          verdict: "–",
        },
        ...(each.name === ALL
          ? [ratioRow(`${what}: answered at its limit`, of(limits, each), of(limits, silent))]
          : []),
      ];
    });
  });
}

function of(figures: ReadonlyMap<Way, number[]>, way: Way): readonly number[] {
  return figures.get(way) ?? [];
}

/** The processor time of nginx so far. */
function usedMs({ pids }: Reporter): number {
  const all = pids.flatMap((pid) => [pid, ...descendantsOf(pid)]);
  return all.reduce((sum, pid) => sum + processorMs(pid), 0);
}

if (import.meta.main) {
  const [turns = TURNS, seconds = SECONDS] = process.argv.slice(2).map(Number);
  const say = (progress: string) => process.stderr.write(`${progress}\n`);
  console.log(table(await benchReporting({ turns, seconds, programs: [], millions: 0, starts: 0, say })));
}
