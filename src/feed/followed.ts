/**
 * One application in the feed: the results of its last reads, and its table, which only this file writes.
 *
 * A store without news returns the same snapshot object again. Then only the table's time is renewed; nothing
 * is checked, logged or saved a second time.
 */

import type { Arc } from "../circle.ts";
import type { Log } from "../log/log.ts";
import type { FeedCounts } from "../metrics.ts";
import type { Rollout, Table } from "../rollout.ts";
import { type Snapshot, StoreError } from "../stores/store.ts";
import { ArcLines, type Complaint } from "./arc-lines.ts";
import { type Checked, COMPLAINTS_MAX, checkSnapshot } from "./check-snapshot.ts";
import type { Expiring } from "./expiry.ts";
import { Positions } from "./positions.ts";
import type { ArcOverrides, FailureFollower, LastGood, Reading, ReadingFollower } from "./reading.ts";
import { areSame } from "./same-arcs.ts";
import type { Scheduled } from "./schedule.ts";
import { withTakenBack } from "./taken-back.ts";
import { describe, type Tellings } from "./tellings.ts";

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
  readonly #lines: ArcLines;
  #reading: Reading | undefined;
  /** The arcs of the saved snapshot, as long as the store was not read. */
  #saved: readonly Arc[] = NO_ARCS;
  /** The table that was written last. Only the feed writes it (law 2). */
  #table: Table;

  constructor(application: string, options: FollowedOptions) {
    this.application = application;
    this.#options = options;
    this.#lines = new ArcLines(application, options.store);
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
    this.#lines.startFrom(lastGood, durationMs > 0 ? arcs : undefined, tellings);
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
    this.#lines.changeByOverride(this.#table.arcs, tellings);
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
    if (snapshot.size === 0 && hadRecords !== 0) this.#lines.noRecords(tellings);
    if (isFirst || !isSame) {
      this.#lines.change(isFirst ? undefined : before, this.#table.arcs, snapshot, tellings);
    }
    return { arcs, malformed, application: this.application, snapshot, ageMs, isSame };
  }

  /** Throws if the store's answer is not a snapshot; then the read has failed. */
  #check(snapshot: Snapshot, before: readonly Arc[], tellings: Tellings): Checked {
    const complaints: Complaint[] = [];
    const checked = checkSnapshot(snapshot, before, (problem, version) => {
      complaints.push({ problem, version });
    });
    this.#lines.complaints(complaints, tellings);
    return { ...checked, arcs: this.#overridden(checked.arcs, snapshot) };
  }

  #overridden(arcs: readonly Arc[], snapshot: Snapshot | undefined): readonly Arc[] {
    return withTakenBack(this.application, arcs, snapshot, this.#options.overrides);
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
}
