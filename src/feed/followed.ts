/**
 * One application in the feed: the results of its last reads, and its table, which only this file writes.
 *
 * A store without news returns the same snapshot object again. Then only the table's time is renewed; nothing
 * is checked, logged or saved a second time.
 */

import { type Arc, byPrecedence, findOverlap, isSameArc, MAINTENANCE, spell } from "../circle.ts";
import type { Log } from "../log/log.ts";
import type { FeedCounts } from "../metrics.ts";
import type { Rollout, Table } from "../rollout.ts";
import { type Snapshot, StoreError } from "../stores/store.ts";
import { type Checked, COMPLAINTS_MAX, checkSnapshot } from "./check-snapshot.ts";
import type { Expiring } from "./expiry.ts";
import { Positions } from "./positions.ts";
import type { ArcOverrides, FailureFollower, LastGood, Reading, ReadingFollower } from "./reading.ts";
import type { Scheduled } from "./schedule.ts";
import { describe, type Tellings } from "./tellings.ts";

/** An author or a reason in a line of the log is cut to this many characters. */
const SIGNATURE_LENGTH_MAX = 200;

/** The state of an application's reads, for `/state`. */
export interface FeedState {
  readonly application: string;
  /** The error of the last read; undefined if it succeeded. */
  readonly error: string | undefined;
  /** Number of the application's records in the store; undefined before the first read. */
  readonly records: number | undefined;
  /** The first few versions whose record could not be used at the last read. */
  readonly malformed: readonly string[];
}

export interface FollowedOptions {
  readonly rollout: Rollout;
  readonly counts: FeedCounts;
  readonly store: string;
  readonly log: Log;
  readonly clock: () => number;
  readonly followers: readonly ReadingFollower[];
  readonly failed: FailureFollower | undefined;
  readonly overrides: ArcOverrides | undefined;
}

const NO_ARCS: readonly Arc[] = [];

export class Followed implements FeedState, Expiring, Scheduled {
  readonly application: string;
  error: string | undefined;
  records: number | undefined;
  malformed: readonly string[] = [];
  /** A snapshot has been applied (law 7). */
  isReady = false;
  expiry: Expiring["expiry"] = "fresh";
  // The next four are the schedule's.
  dueAtMs = Number.NEGATIVE_INFINITY;
  notBeforeMs = Number.NEGATIVE_INFINITY;
  isReading = false;
  isNudged = false;
  failures = 0;
  readonly #options: FollowedOptions;
  readonly #positions = new Positions();
  #reading: Reading | undefined;
  /** The arcs of the saved snapshot, as long as the store was not read. */
  #saved: readonly Arc[] = NO_ARCS;
  /** The table that was written last. Only the feed writes it (law 2). */
  #table: Table;
  /** The complaints of the last read about records, so that the log has them once. */
  #complaints = "";

  constructor(application: string, options: FollowedOptions) {
    this.application = application;
    this.#options = options;
    this.#table = options.rollout.table(application) ?? options.rollout.first;
  }

  get table(): Table {
    return this.#table;
  }

  /** Whether a read has ended, with success or not. */
  get hasBegun(): boolean {
    return this.#options.counts.success > 0 || this.failures > 0;
  }

  get wasRead(): boolean {
    return this.#options.counts.success > 0;
  }

  /**
   * Applies the store's answer. Throws if the answer is not a snapshot, or is older than the last one.
   *
   * @param isKept whether the store returns the same object again if nothing has changed
   */
  take(snapshot: Snapshot, askedAtMs: number, isKept: boolean, tellings: Tellings): void {
    const { rollout, counts, clock } = this.#options;
    const ageMs = clock() - askedAtMs;
    const last = this.#reading;
    if (isKept && last !== undefined && snapshot === last.snapshot) {
      this.#table = rollout.renew(this.#table, askedAtMs);
      this.#reading = { ...last, ageMs, isSame: true };
    } else {
      this.#refuseOutdated(snapshot);
      this.#reading = this.#apply(snapshot, askedAtMs, ageMs, tellings);
    }
    counts.success++;
    this.#saved = NO_ARCS;
    this.#succeeded(tellings);
    this.#tellFollowers(this.#reading);
  }

  fail(error: unknown, tellings: Tellings): void {
    this.failures++;
    this.#options.counts.failure++;
    this.error = describe(error);
    tellings.failed(this, error);
    this.#options.failed?.(this.application, error);
  }

  /** Starts from the snapshot that an earlier process saved, unless the store has been read already. */
  startFrom(lastGood: LastGood, tellings: Tellings): void {
    const { rollout, clock } = this.#options;
    if (this.wasRead) return;
    const nowMs = clock();
    this.#saved = lastGood.arcs;
    const table = rollout.apply(
      this.application,
      this.#overridden(lastGood.arcs, undefined),
      nowMs - lastGood.ageMs,
    );
    this.#table = table;
    const { arcs, durationMs } = table.lease(nowMs);
    this.isReady = durationMs > 0;
    // A snapshot that is stale from the start needs no second line: the one below says so.
    this.expiry = table.isFresh(nowMs) ? "fresh" : "untold";
    const fields = { application: this.application, age: `${(lastGood.ageMs / 1000).toFixed(1)}s` };
    if (durationMs > 0) {
      tellings.line("info", "starting from the saved snapshot", { ...fields, arcs: spell(arcs) || "none" });
    } else
      tellings.line(
        "info",
        "the saved snapshot is older than -unhealthy: all visitors go to master until the store is read",
        fields,
      );
  }

  /**
   * Builds the arcs again from the last reading, or from the saved snapshot, because the overrides have
   * changed.
   */
  reapply(tellings: Tellings): void {
    const { rollout } = this.#options;
    const before = this.#table.arcs;
    const snapshot = this.#reading?.snapshot;
    if (snapshot === undefined && this.#saved.length === 0) return;
    const arcs =
      snapshot === undefined
        ? this.#overridden(this.#saved, undefined)
        : this.#check(snapshot, before, tellings).arcs;
    if (areSame(before, arcs)) return;
    this.#table = rollout.apply(this.application, arcs, this.#table.readAtMs);
    if (this.#reading !== undefined) this.#reading = { ...this.#reading, arcs };
    tellings.line("info", "rollouts changed by an override", {
      application: this.application,
      arcs: spell(this.#table.arcs) || "none",
    });
  }

  /** Throws if a record is older than it was and the table is still fresh. */
  #refuseOutdated(snapshot: Snapshot): void {
    const { log, store, clock } = this.#options;
    const outdated = this.#positions.outdated(snapshot);
    if (outdated !== undefined) {
      const { version, position, before } = outdated;
      if (this.#table.isFresh(clock())) {
        const what = `${version} went back from position ${before} to ${position}`;
        throw new StoreError(
          "outdated",
          `${what}: the answer is from a replica that lags, or from a backup; find out which server answers`,
        );
      }
      log.error(
        "the store stays at an older state than before: from now on visitors are served by that state",
        {
          ...outdated,
          application: this.application,
          store,
          remedy: "if a backup was restored, look at the rollouts with get, and set them again",
        },
      );
    }
    this.#positions.accept(snapshot);
  }

  #apply(snapshot: Snapshot, askedAtMs: number, ageMs: number, tellings: Tellings): Reading {
    const { rollout, counts } = this.#options;
    const before = this.#table.arcs;
    const { arcs, malformed } = this.#check(snapshot, before, tellings);
    const isFirst = counts.success === 0;
    const isSame = !isFirst && areSame(before, arcs);
    this.#table = isSame
      ? rollout.renew(this.#table, askedAtMs)
      : rollout.apply(this.application, arcs, askedAtMs);
    counts.malformed = malformed.size;
    this.malformed = [...malformed].slice(0, COMPLAINTS_MAX);
    const hadRecords = this.records;
    this.records = snapshot.size;
    if (snapshot.size === 0 && hadRecords !== 0) this.#warnOfNone(tellings);
    if (isFirst || !isSame) this.#tellChange(before, snapshot, isFirst, tellings);
    return { arcs, malformed, application: this.application, snapshot, ageMs, isSame };
  }

  /** Throws if the store's answer is not a snapshot; then the read has failed. */
  #check(snapshot: Snapshot, before: readonly Arc[], tellings: Tellings): Checked {
    const { store } = this.#options;
    const complaints: { readonly problem: string; readonly version: string | undefined }[] = [];
    const checked = checkSnapshot(snapshot, before, (problem, version) => {
      complaints.push({ problem, version });
    });
    const arcs = this.#overridden(checked.arcs, snapshot);
    const text = JSON.stringify(complaints);
    if (text === this.#complaints) return { ...checked, arcs };
    this.#complaints = text;
    for (const { problem, version } of complaints) {
      const consequence = version === MAINTENANCE ? "leaves maintenance as it is" : "counts as rollout 0";
      tellings.line("warn", `a record cannot be used and ${consequence}`, {
        application: this.application,
        version,
        problem,
        store,
      });
    }
    return { ...checked, arcs };
  }

  /** @param snapshot undefined for arcs of a saved snapshot */
  #overridden(arcs: readonly Arc[], snapshot: Snapshot | undefined): readonly Arc[] {
    const { overrides } = this.#options;
    if (overrides === undefined) return arcs;
    return arcs.map((arc) => {
      if (arc.rollout === 0 || arc.version === MAINTENANCE) return arc;
      const value = snapshot?.get(arc.version)?.value;
      return overrides.isTakenBack(this.application, arc.version, value) ? { ...arc, rollout: 0 } : arc;
    });
  }

  #succeeded(tellings: Tellings): void {
    if (this.failures > 0) tellings.answersAgain(this.application);
    this.failures = 0;
    this.error = undefined;
    this.isReady = true;
    // A table can be stale at once if the process was stopped during the read. Then nothing counts again.
    if (this.expiry === "fresh" || !this.#table.isFresh(this.#options.clock())) return;
    if (this.expiry === "told") tellings.countsAgain(this.application);
    this.expiry = "fresh";
  }

  #tellFollowers(reading: Reading): void {
    for (const follower of this.#options.followers) {
      try {
        follower(reading);
      } catch (error) {
        // This is a bug of the follower. The table counts already, and the read has succeeded.
        this.#options.log.error(
          "a part of the daemon failed after a read: visitors are served by the new rollouts, but that part may not have them",
          {
            application: this.application,
            error: describe(error),
            remedy: "report this as a bug, with the version of the daemon",
          },
        );
      }
    }
  }

  #tellChange(before: readonly Arc[], snapshot: Snapshot, isFirst: boolean, tellings: Tellings): void {
    const { arcs } = this.#table;
    tellings.line("info", isFirst ? "rollouts" : "rollouts changed", {
      application: this.application,
      arcs: spell(arcs) || "none",
      hold: namesOf(arcs.filter(({ failsafe }) => failsafe === "hold")),
      ...(isFirst ? {} : signatureOf(changed(before, arcs), snapshot)),
    });
    const overlap = findOverlap(arcs);
    if (overlap === undefined) return;
    const [first, second] = overlap;
    tellings.line("warn", "two versions overlap: visitors in both arcs are served by the first", {
      application: this.application,
      first: spell([first]),
      second: spell([second]),
      remedy: `give ${second.version} another -offset`,
    });
  }

  #warnOfNone(tellings: Tellings): void {
    tellings.line("warn", "the store has no records of this application: all visitors go to master", {
      application: this.application,
      store: this.#options.store,
      remedy: "check the spelling of -application and of the store's address, or write its first record",
    });
  }
}

/** @param sorted in the order of a table */
function areSame(sorted: readonly Arc[], arcs: readonly Arc[]): boolean {
  if (sorted.length !== arcs.length) return false;
  return arcs.toSorted(byPrecedence).every((arc, index) => isKept(sorted[index], arc));
}

/** Versions that are new or different. */
function changed(before: readonly Arc[], after: readonly Arc[]): string[] {
  const known = new Map(before.map((arc) => [arc.version, arc]));
  return after.filter((arc) => !isKept(known.get(arc.version), arc)).map(({ version }) => version);
}

function isKept(before: Arc | undefined, after: Arc): boolean {
  return before !== undefined && isSameArc(before, after);
}

/**
 * The author and the reason of the records that changed, each if it is the same in all. The log escapes the
 * texts.
 */
function signatureOf(versions: readonly string[], snapshot: Snapshot): { by?: string; why?: string } {
  const values = versions.map((version) => snapshot.get(version)?.value);
  const by = sharedText(values, "updatedBy");
  const why = sharedText(values, "why");
  return { ...(by === undefined ? {} : { by }), ...(why === undefined ? {} : { why }) };
}

function sharedText(values: readonly unknown[], field: string): string | undefined {
  const texts = values.map((value) => textOf(value, field));
  const [first] = texts;
  if (typeof first !== "string" || first === "" || texts.some((text) => text !== first)) return undefined;
  return first.length > SIGNATURE_LENGTH_MAX ? `${first.slice(0, SIGNATURE_LENGTH_MAX)}…` : first;
}

function namesOf(arcs: readonly Arc[]): string | undefined {
  return arcs.length === 0 ? undefined : arcs.map(({ version }) => version).join(",");
}

/** A custom store may return an object that throws when a field is read. */
function textOf(value: unknown, field: string): unknown {
  try {
    return (value as Readonly<Record<string, unknown>> | null | undefined)?.[field];
  } catch {
    return undefined;
  }
}
