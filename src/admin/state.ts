/** The page `/state`: a daemon's account of its tables, their age, and its counts. */

import packageJson from "../../package.json" with { type: "json" };
import type { Arc } from "../circle.ts";
import type { ControllerView } from "../controller/view.ts";
import type { Feed } from "../feed/feed.ts";
import type { FeedState } from "../feed/followed.ts";
import type { Metrics, NoticeCounts, ServerCounts } from "../metrics.ts";
import type { Overview } from "../overview/overview.ts";
import {
  type ControllerState,
  controllerState,
  type Leading,
  leadingOf,
  type ReleaseState,
  releaseState,
} from "../overview/release-state.ts";
import type { Placement } from "../placement.ts";
import type { ReportedCount, ReportKind } from "../reports.ts";
import type { Rollout } from "../rollout.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import { Slices } from "../slices.ts";
import type { Store } from "../stores/store.ts";
import { ByteWriter } from "../text/byte-writer.ts";

const NONE: readonly Arc[] = [];

export interface ApplicationState {
  readonly name: string;
  /** Whether the snapshot is fresh; false if it is older than `unhealthy`, or was never read. */
  readonly fresh: boolean;
  /** Null: never read. */
  readonly ageMs: number | null;
  readonly leaseMs: number;
  /** Why the store cannot be read now; null if it can. */
  readonly error: string | null;
  readonly reads: { readonly success: number; readonly failure: number; readonly malformed: number };
  /** Records at the last read; null: never read. */
  readonly records: number | null;
  readonly arcs: readonly Arc[];
  /** The first few versions whose record is malformed. */
  readonly malformed: readonly string[];
  readonly decisions: readonly { location: string; reason: string; count: number }[];
  /** Decisions that proxies made by themselves and reported. */
  readonly reported: readonly { location: string; kind: ReportKind; count: number }[];
  /** The release that goes on, or else the last one. An older daemon leaves it out. */
  readonly releases?: readonly ReleaseState[];
  /** Versions with a release that this daemon cannot read, and why. An older daemon leaves it out. */
  readonly releaseProblems?: readonly { version: string; problem: string }[];
}

export interface State {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly uptimeMs: number;
  /** Whether every application has been read since the start. */
  readonly ready: boolean;
  /** Why `/readyz` says no; null if it says yes. */
  readonly notReady: string | null;
  /** The store's address, without secrets. */
  readonly store: string;
  /** The configuration file that was read; null: none. */
  readonly config: string | null;
  /**
   * The flags by which a command reaches the store of this daemon, without secrets. None if the
   * configuration file alone names it. An older daemon leaves it out.
   */
  readonly storeFlags?: StoreFlags;
  readonly applications: readonly ApplicationState[];
  readonly servers: readonly Readonly<ServerCounts>[];
  /** Null with `-releases off`. An older daemon leaves it out. */
  readonly controller?: ControllerState | null;
  /** The addresses that get notices of releases. An older daemon leaves it out. */
  readonly notices?: readonly Readonly<NoticeCounts>[];
}

export interface StateSources {
  readonly rollout: Rollout;
  readonly feed: Feed;
  readonly overview: Overview;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly config: string | null;
  readonly storeFlags: StoreFlags;
  /** The reason that `/readyz` gives; undefined if the daemon is ready. */
  readonly notReady: () => string | undefined;
  readonly startedAt: Date;
  readonly startedAtMs: number;
  readonly clock: () => number;
}

/**
 * The whole state as JSON, in parts, so that the event loop answers visitors in between. The bytes of a part
 * hold until the next part is asked for.
 */
export async function* writeState(sources: StateSources): AsyncGenerator<Buffer> {
  const { feed, metrics, overview } = sources;
  const view = overview.leading();
  const leading = leadingOf(view);
  const slices = new Slices();
  const out = new ByteWriter();
  // The last brace of the head is cut off, because the list of applications follows.
  out.text(`${JSON.stringify(headOf(sources, view)).slice(0, -1)},"applications":[`);
  let isFirst = true;
  for (const state of feed.states) {
    if (!isFirst) out.text(",");
    isFirst = false;
    writeFeed(out, sources, state);
    // One application may have thousands of placements. All counts are read first, so that they are of one
    // moment, although the writing takes several slices.
    const placements = Array.from(metrics.placements.ofApplication(state.application));
    const counts = Float64Array.from(placements, ({ count }) => count);
    let separator = "";
    for (let i = 0; i < placements.length; i++) {
      const count = counts[i] as number;
      if (count === 0) continue;
      out.text(separator);
      separator = ",";
      writeDecision(out, placements[i] as Placement, count);
      if (out.isFull) yield out.take();
      if (slices.isOver()) await slices.next();
    }
    writeReports(out, metrics.reports.of(state.application));
    writeReleases(out, overview.of(state.application), leading);
    if (out.isFull) yield out.take();
    if (slices.isOver()) await slices.next();
  }
  out.text("]}\n");
  yield out.take();
}

/** The first fields of an application, up to the list of its decisions. */
function writeFeed(out: ByteWriter, { rollout, metrics, clock }: StateSources, state: FeedState): void {
  const { application, error, records, malformed } = state;
  const table = rollout.table(application);
  const nowMs = clock();
  const ageMs = nowMs - (table?.readAtMs ?? Number.NEGATIVE_INFINITY);
  const { success, failure, malformed: unusable } = metrics.feed(application);
  out.text('{"name":');
  out.string(application);
  out.text(table?.isFresh(nowMs) === true ? ',"fresh":true,"ageMs":' : ',"fresh":false,"ageMs":');
  writeOrNull(out, Number.isFinite(ageMs) ? Math.round(ageMs) : undefined);
  out.text(',"leaseMs":');
  out.number(table?.leaseMs(nowMs) ?? 0);
  out.text(',"error":');
  writeOrNull(out, error);
  out.text(',"reads":{"success":');
  out.number(success);
  out.text(',"failure":');
  out.number(failure);
  out.text(',"malformed":');
  out.number(unusable);
  out.text('},"records":');
  writeOrNull(out, records);
  out.text(',"arcs":[');
  writeArcs(out, table?.arcs ?? NONE);
  out.text('],"malformed":[');
  for (let i = 0; i < malformed.length; i++) {
    if (i > 0) out.text(",");
    out.string(malformed[i] as string);
  }
  out.text('],"decisions":[');
}

function writeArcs(out: ByteWriter, arcs: readonly Arc[]): void {
  for (let i = 0; i < arcs.length; i++) {
    const { version, rollout, offset, failsafe } = arcs[i] as Arc;
    out.text(i === 0 ? '{"version":' : ',{"version":');
    out.string(version);
    out.text(',"rollout":');
    out.number(rollout);
    out.text(',"offset":');
    out.number(offset);
    out.text(failsafe === "hold" ? ',"failsafe":"hold"}' : ',"failsafe":"master"}');
  }
}

function writeDecision(out: ByteWriter, { location, reason }: Placement, count: number): void {
  out.text('{"location":');
  out.string(location);
  out.text(',"reason":');
  out.string(reason);
  out.text(',"count":');
  out.number(count);
  out.text("}");
}

function writeReports(out: ByteWriter, reports: Iterable<ReportedCount>): void {
  out.text('],"reported":[');
  let isFirst = true;
  for (const { location, kind, count } of reports) {
    out.text(isFirst ? '{"location":' : ',{"location":');
    isFirst = false;
    out.string(location);
    out.text(',"kind":');
    out.string(kind);
    out.text(',"count":');
    out.number(count);
    out.text("}");
  }
}

/** The last fields of an application. Few applications have a release, so these are plain JSON. */
function writeReleases(
  out: ByteWriter,
  { known, unreadable }: ReturnType<Overview["of"]>,
  leading: Leading,
): void {
  out.text('],"releases":');
  out.text(known.length === 0 ? "[]" : JSON.stringify(known.map((each) => releaseState(each, leading))));
  out.text(',"releaseProblems":');
  const problems = unreadable.map(({ version, problem }) => ({ version, problem }));
  out.text(problems.length === 0 ? "[]}" : `${JSON.stringify(problems)}}`);
}

function writeOrNull(out: ByteWriter, value: string | number | undefined): void {
  if (value === undefined) out.text("null");
  else if (typeof value === "string") out.string(value);
  else out.number(value);
}

function headOf(
  { clock, startedAt, startedAtMs, store, config, storeFlags, metrics, notReady }: StateSources,
  view: ControllerView | undefined,
) {
  const reason = notReady();
  return {
    version: packageJson.version,
    pid: process.pid,
    startedAt: startedAt.toISOString(),
    uptimeMs: Math.round(clock() - startedAtMs),
    ready: reason === undefined,
    notReady: reason ?? null,
    store: store.address,
    config,
    storeFlags,
    servers: metrics.servers.map((counts) => ({ ...counts })),
    controller: view === undefined ? null : controllerState(view),
    notices: metrics.notices,
  };
}
