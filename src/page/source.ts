/** Makes the news of a page from the parts of a daemon. It only reads them. */

import { hostname } from "node:os";
import packageJson from "../../package.json" with { type: "json" };
import { MAINTENANCE } from "../circle.ts";
import type { Feed } from "../feed/feed.ts";
import type { Metrics } from "../metrics.ts";
import type { Overview } from "../overview/overview.ts";
import { releaseWord } from "../overview/release-words.ts";
import { shortRollout } from "../records/shown.ts";
import { goesOn } from "../releases/release.ts";
import type { Rollout } from "../rollout.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import type { Store } from "../stores/store.ts";
import { oneLine } from "../text/one-line.ts";
import type { Observation } from "../verbs/observer.ts";
import { progressOf } from "../verbs/progress.ts";
import type { ApplicationNews, DaemonNews, ListedApplication, ListNews, ReleaseNews } from "./news.ts";
import { releaseNews } from "./release-news.ts";
import type { Watched } from "./watched.ts";

/** A longer list would be sent again with each state. */
const LISTED_MAX = 500;

/** Releases of one application on its page. There is one, or two by mistake. */
const RELEASES_MAX = 4;

export interface SourceParts {
  readonly rollout: Rollout;
  readonly feed: Feed;
  readonly metrics: Metrics;
  readonly overview: Overview;
  readonly store: Pick<Store, "address">;
  readonly notReady: () => string | undefined;
  readonly clock: () => number;
  /** For the commands in the words. */
  readonly storeFlags: StoreFlags;
}

export function daemonNews({ store, notReady }: SourceParts): DaemonNews {
  return {
    name: hostname(),
    version: packageJson.version,
    store: store.address,
    notReady: notReady() ?? null,
  };
}

export function listNews(parts: SourceParts): ListNews {
  const { rollout, overview } = parts;
  const names = rollout.applications;
  const withRelease = names.filter((name) => overview.of(name).known.length > 0);
  const listed =
    names.length <= LISTED_MAX
      ? names
      : [...withRelease, ...names.filter((name) => !withRelease.includes(name))].slice(0, LISTED_MAX);
  return { applications: listed.map((name) => listedApplication(parts, name)), total: names.length };
}

function listedApplication({ rollout, overview, clock }: SourceParts, name: string): ListedApplication {
  const table = rollout.table(name);
  const [release] = overview.of(name).known;
  return {
    name,
    isFresh: table?.isFresh(clock()) === true,
    arcs: (table?.arcs ?? [])
      .map((arc) => (arc.version === MAINTENANCE ? MAINTENANCE : `${arc.version} ${shortRollout(arc)}`))
      .join(", "),
    release:
      release === undefined
        ? null
        : oneLine(releaseWord({ ...release, steps: release.steps ?? null, fading: release.isFading })),
    state: release?.state ?? null,
  };
}

/** @returns null if the daemon does not serve this application */
export function applicationNews(
  parts: SourceParts,
  name: string,
  watched: Watched | undefined,
): ApplicationNews | null {
  const { rollout, feed, metrics, clock } = parts;
  const table = rollout.table(name);
  if (table === undefined || watched === undefined) return null;
  const nowMs = clock();
  const ageMs = nowMs - table.readAtMs;
  const { observation, history, error } = watched;
  return {
    name,
    isFresh: table.isFresh(nowMs),
    ageMs: Number.isFinite(ageMs) ? Math.round(ageMs) : null,
    leaseMs: table.leaseMs(nowMs),
    error: readErrorOf(feed, name) ?? error ?? null,
    arcs: table.arcs,
    decisions: Array.from(metrics.placements.ofApplication(name), ({ location, reason, count }) => ({
      ...{ location, reason, count },
    })).filter(({ count }) => count > 0),
    releases: observation === undefined ? [] : releasesNews(observation, watched.now(), parts.storeFlags),
    history,
  };
}

function readErrorOf(feed: Feed, name: string): string | undefined {
  for (const { application, error } of feed.states) if (application === name) return error;
  return undefined;
}

/** The releases that go on; if none does, the last one. */
function releasesNews(
  observation: Observation,
  moment: Observation["moment"],
  storeFlags: StoreFlags,
): ReleaseNews[] {
  const { releases } = observation;
  const open = releases.filter(({ release }) => goesOn(release));
  return (open.length > 0 ? open.slice(0, RELEASES_MAX) : releases.slice(0, 1)).map((found) =>
    releaseNews(progressOf(observation, found, moment), storeFlags),
  );
}
