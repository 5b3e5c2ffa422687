/** Makes the news of a page from the parts of a daemon. It only reads them. */

import packageJson from "../../package.json" with { type: "json" };
import { MAINTENANCE } from "../circle.ts";
import type { Feed } from "../feed/feed.ts";
import type { OutcomeCounts } from "../intake/counts.ts";
import type { Metrics } from "../metrics.ts";
import type { Overview } from "../overview/overview.ts";
import { releaseWord } from "../overview/release-words.ts";
import type { ShownChange } from "../records/history.ts";
import { orderedShares } from "../records/share.ts";
import { shortRollout } from "../records/shown.ts";
import { goesOn } from "../releases/release.ts";
import type { Rollout } from "../rollout.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import type { Store } from "../stores/store.ts";
import { oneLine } from "../text/one-line.ts";
import { commandLine } from "../verbs/command-line.ts";
import type { Freeze } from "../verbs/freeze.ts";
import { freezeText } from "../verbs/freeze-words.ts";
import type { Observation } from "../verbs/observer.ts";
import { progressOf } from "../verbs/progress.ts";
import { changesNews, freezesNews } from "./changes.ts";
import { fleetNews } from "./fleet.ts";
import type {
  ApplicationNews,
  DaemonNews,
  DecisionCount,
  FreezeNews,
  ListedApplication,
  ListNews,
  MemberNews,
  ReleaseNews,
} from "./news.ts";
import { releaseNews } from "./release-news.ts";
import type { Watched } from "./watched.ts";

/** A longer list would be sent again with each state. */
const LISTED_MAX = 500;

/** Releases of one application on its page. There is one, or two by mistake. */
const RELEASES_MAX = 4;

export interface SourceParts {
  /** The name by which other daemons know this one. */
  readonly name: string;
  readonly rollout: Rollout;
  readonly feed: Feed;
  readonly metrics: Metrics;
  readonly overview: Overview;
  readonly store: Pick<Store, "address">;
  readonly notReady: () => string | undefined;
  readonly outcomes: OutcomeCounts;
  readonly clock: () => number;
  /** For the commands in the words. */
  readonly storeFlags: StoreFlags;
}

export function daemonNews({ name, store, notReady, overview, outcomes }: SourceParts): DaemonNews {
  return {
    name,
    version: packageJson.version,
    store: store.address,
    notReady: notReady() ?? null,
    clockAheadMs: rounded(overview.leading()?.storeClockAheadMs),
    dropped: outcomes.droppedInAll(),
  };
}

function rounded(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : Math.round(value);
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
  const isFresh = table?.isFresh(clock()) === true;
  return {
    ...{ name, isFresh },
    arcs: (table?.arcs ?? [])
      .filter(({ version, rollout: share, failsafe }) =>
        version === MAINTENANCE ? share > 0 : isFresh || (failsafe === "hold" && share > 0),
      )
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
  const { rollout, feed, clock } = parts;
  const table = rollout.table(name);
  if (table === undefined || watched === undefined) return null;
  const nowMs = clock();
  const ageMs = nowMs - table.readAtMs;
  const isFresh = table.isFresh(nowMs);
  const { observation, history, error } = watched;
  return {
    ...{ name, isFresh },
    ageMs: Number.isFinite(ageMs) ? Math.round(ageMs) : null,
    leaseMs: table.leaseMs(nowMs),
    error: readErrorOf(feed, name) ?? error ?? null,
    isRead: observation !== undefined,
    arcs: table.arcs,
    ordered: Object.fromEntries(orderedShares(table.arcs, isFresh)),
    decisions: decisionsOf(parts.metrics, name),
    freeze: freezeNews(observation?.freeze),
    releases: observation === undefined ? [] : releasesNews(observation, watched.now(), parts),
    history: changesNews(history),
    freezes: freezesNews(watched.freezes, watched.isHistoryWhole ? undefined : oldestMs(history)),
    start: oneLine(commandLine(parts.storeFlags, name, "release", "-of", "NAME")),
  };
}

/** When the oldest change was written; undefined if it names no time. */
function oldestMs(history: readonly ShownChange[]): number | undefined {
  const atMs = Date.parse(history.at(-1)?.updatedAt ?? "");
  return Number.isNaN(atMs) ? undefined : atMs;
}

/** The daemon's own decisions, and those of proxies that decide by themselves and report them. */
function decisionsOf({ placements, reports }: Metrics, name: string): DecisionCount[] {
  const own = Array.from(placements.ofApplication(name), ({ location, reason, count }) => ({
    ...{ location, reason, count },
  }));
  const reported = Array.from(reports.of(name), ({ location, kind, count }) => ({
    ...{ location, reason: `reported as ${kind}`, count },
  }));
  return [...own, ...reported].filter(({ count }) => count > 0);
}

function freezeNews(freeze: Freeze | undefined): FreezeNews | null {
  if (freeze === undefined) return null;
  return { isFrozen: freeze.isFrozen, at: freeze.at ?? null, text: oneLine(freezeText(freeze)) };
}

function readErrorOf(feed: Feed, name: string): string | undefined {
  for (const { application, error } of feed.states) if (application === name) return error;
  return undefined;
}

/** The releases that go on; if none does, the last one. */
function releasesNews(
  observation: Observation,
  moment: Observation["moment"],
  { name, overview, storeFlags }: SourceParts,
): ReleaseNews[] {
  const { releases } = observation;
  const leds = overview.leading()?.releases ?? [];
  const open = releases.filter(({ release }) => goesOn(release));
  return (open.length > 0 ? open.slice(0, RELEASES_MAX) : releases.slice(0, 1)).map((found) =>
    releaseNews(progressOf(observation, found, moment), storeFlags, {
      led: leds.find(({ release }) => release.key === found.release.key),
      fleet: fleetOf(name, observation, found, moment),
    }),
  );
}

function fleetOf(
  name: string,
  { crewOf, evidenceOf }: Observation,
  { release }: Observation["releases"][number],
  { nowMs, monotonicMs }: Observation["moment"],
): MemberNews[] | undefined {
  const crew = goesOn(release) ? crewOf(release.key) : undefined;
  if (crew === undefined) return undefined;
  return fleetNews({
    ...{ name, release, nowMs },
    ...{ members: crew.members(monotonicMs), overrides: crew.overrides() },
    reporters: evidenceOf(release.key)?.reporters(nowMs) ?? [],
  });
}
