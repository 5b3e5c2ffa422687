/**
 * Releases on one store, each with a canary that fails for every visitor: one daemon leads some of them, and
 * a fleet leads the others, all at the same time. Each release has an application of its own.
 */

import { releaseIn } from "../../src/records/release-in.ts";
import type { Store } from "../../src/stores/store.ts";
import { eventually } from "../../test/support/eventually.ts";
import type { Engine } from "../stores/engines.ts";
import { openFor, startRelease } from "../stores/operator.ts";
import type { Stops } from "../ways.ts";
import { PROXIES, type ProxyName, startSite } from "./site.ts";
import { startVersions } from "./versions.ts";
import { Rescue, type Rescued } from "./visitors.ts";

/** The time between polls: the daemon's default. */
export const DELAY_MS = 4_000;

const SHARE = 0.01;
const PLAN = "1%:1h,100%:1h";

/** 10 visitors a second for each release, over all proxies of its fleet. */
const PACE = { everyMs: 100, canaryOneIn: 1 / SHARE };

/** Outcomes count when a step is 10 s old. Clocks differ by less than the rest. */
const GRACE_MS = 11_000;

const READ_MS = 10_000;

/** The end of one release. */
export interface Run extends Rescued {
  /** The number of daemons. */
  readonly daemons: number;
  readonly proxy: ProxyName;
}

/**
 * @param sizes of the fleets
 * @param count of the releases of each fleet behind each proxy
 */
export async function runReleases(engine: Engine, sizes: readonly number[], count: number): Promise<Run[]> {
  const stops: Stops = [];
  try {
    const running = await engine.start(stops);
    const store = await openFor(running, stops);
    const versions = await startVersions(stops);
    const fleets = sizes.map(async (daemons) => {
      const applications = {
        nginx: namesOf("nginx", daemons, count),
        HAProxy: namesOf("HAProxy", daemons, count),
      };
      const sites: ReadonlyMap<string, string>[] = [];
      while (sites.length < daemons) {
        const name = `web-${sites.length + 1}`;
        const site = { store: running, name, applications, delayMs: DELAY_MS, versions };
        sites.push(await startSite(site, stops));
      }
      const releases = PROXIES.flatMap((proxy) =>
        applications[proxy].map(async (application) => {
          const urls = sites.flatMap((urlOf) => urlOf.get(application) ?? []);
          return { daemons, proxy, ...(await runRelease(application, urls, store)) };
        }),
      );
      return Promise.all(releases);
    });
    return (await Promise.all(fleets)).flat();
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

function namesOf(proxy: ProxyName, daemons: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${proxy.toLowerCase()}-${daemons}-${index + 1}`);
}

async function runRelease(application: string, urls: readonly string[], store: Store): Promise<Rescued> {
  const offset = Math.random();
  await startRelease(store, application, PLAN, offset);
  const countsFromMs = performance.now() + GRACE_MS;
  const rescued = await new Rescue({ urls, offset, share: SHARE, pace: PACE, countsFromMs }).run();
  await eventually(
    async () => (await stateIn(store, application)) === "aborted",
    `${application} is aborted in ${store.address}`,
  );
  return rescued;
}

async function stateIn(store: Store, application: string): Promise<string | undefined> {
  const records = await store.read(application, AbortSignal.timeout(READ_MS));
  const found = releaseIn(records.get("canary")?.value);
  return found.kind === "release" ? found.release.state : undefined;
}
