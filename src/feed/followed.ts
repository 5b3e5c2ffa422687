/**
 * One application in the feed: what its last reads brought, and the writing of its table.
 *
 * A store that has nothing new hands over the same snapshot again. Then only the table's time is renewed:
 * nothing is checked, told or saved a second time.
 */

import { type Arc, byPrecedence, findOverlap, MAINTENANCE, spell } from "../circle.ts";
import type { Log } from "../log/log.ts";
import type { FeedCounts } from "../metrics.ts";
import type { Rollout, Table } from "../rollout.ts";
import { type Snapshot, StoreError } from "../stores/store.ts";
import { type Checked, COMPLAINTS_MAX, checkSnapshot } from "./check-snapshot.ts";
import type { Expiring } from "./expiry.ts";
import { Positions } from "./positions.ts";
import type { LastGood, Reading, ReadingFollower } from "./reading.ts";
import { describe, type Tellings } from "./tellings.ts";

/** What an author and a reason may take of a line. */
const SIGNATURE_LENGTH_MAX = 200;

/** What the feed knows of an application's reads, for `/state`. */
export interface FeedState {
  readonly application: string;
  /** The last failure, while it lasts. */
  readonly error: string | undefined;
  /** How many records the store has of it; undefined before the first read. */
  readonly records: number | undefined;
  /** Versions whose record could not be used at the last read; the first few of them. */
  readonly malformed: readonly string[];
}

export interface FollowedOptions {
  readonly rollout: Rollout;
  readonly counts: FeedCounts;
  readonly store: string;
  readonly log: Log;
  readonly clock: () => number;
  readonly followers: readonly ReadingFollower[];
}

export class Followed implements FeedState, Expiring {
  readonly application: string;
  error: string | undefined;
  records: number | undefined;
  malformed: readonly string[] = [];
  /** A snapshot has been applied (law 7). */
  isReady = false;
  expiry: Expiring["expiry"] = "fresh";
  /** When it is to be read again, by the feed's clock; for the feed. */
  dueAtMs = Number.NEGATIVE_INFINITY;
  /** Before then not even a nudge makes it read again. */
  notBeforeMs = Number.NEGATIVE_INFINITY;
  isReading = false;
  /** There was a nudge during the read. */
  isNudged = false;
  /** How often reads failed in a row. */
  failures = 0;
  readonly #options: FollowedOptions;
  readonly #positions = new Positions();
  #reading: Reading | undefined;
  /** The table that was written last; the feed alone writes it (law 2). */
  #table: Table;
  /** What was told of records that cannot be used. */
  #complaints = "";

  constructor(application: string, options: FollowedOptions) {
    this.application = application;
    this.#options = options;
    this.#table = options.rollout.table(application) ?? options.rollout.first;
  }

  get table(): Table {
    return this.#table;
  }

  /** Whether the store has been read, or has failed to be. */
  get hasBegun(): boolean {
    return this.#options.counts.success > 0 || this.failures > 0;
  }

  get wasRead(): boolean {
    return this.#options.counts.success > 0;
  }

  /**
   * Applies what the store answered. Throws if the answer is no snapshot, or an older one than before.
   *
   * @param isKept whether the same object as before says that nothing has changed
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
    this.#succeeded(tellings);
    this.#tellFollowers(this.#reading);
  }

  fail(error: unknown, tellings: Tellings): void {
    this.failures++;
    this.#options.counts.failure++;
    this.error = describe(error);
    tellings.failed(this, error);
  }

  /** Starts from what an earlier process saved, if the store has not been read meanwhile. */
  startFrom(lastGood: LastGood, tellings: Tellings): void {
    const { rollout, clock } = this.#options;
    if (this.wasRead) return;
    const nowMs = clock();
    const table = rollout.apply(this.application, lastGood.arcs, nowMs - lastGood.ageMs);
    this.#table = table;
    const { arcs, durationMs } = table.lease(nowMs);
    this.isReady = durationMs > 0;
    // The line below tells of one that is too old from the start.
    this.expiry = table.isFresh(nowMs) ? "fresh" : "untold";
    const fields = { application: this.application, age: `${(lastGood.ageMs / 1000).toFixed(1)}s` };
    if (durationMs > 0) {
      tellings.line("info", "starting from the saved snapshot", { ...fields, arcs: spell(arcs) || "none" });
    } else tellings.line("info", "the saved snapshot is older than -unhealthy, so it does not count", fields);
  }

  /** Throws if a record is older than it was, and the last values still hold. */
  #refuseOutdated(snapshot: Snapshot): void {
    const { log, store, clock } = this.#options;
    const outdated = this.#positions.outdated(snapshot);
    if (outdated !== undefined) {
      const { version, position, before } = outdated;
      if (this.#table.isFresh(clock())) {
        const what = `${version} went back from position ${before} to ${position}`;
        throw new StoreError(
          "outdated",
          `${what}: a replica that lags, or a backup; see which server answers`,
        );
      }
      log.error("the store stays at an older state than before: it counts as the truth from now on", {
        ...outdated,
        application: this.application,
        store,
        remedy: "if a backup was restored, look at the rollouts with get, and write them again",
      });
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

  /** Throws if the store answered with what is no snapshot: that counts as a read that failed. */
  #check(snapshot: Snapshot, before: readonly Arc[], tellings: Tellings): Checked {
    const { store } = this.#options;
    const complaints: { readonly problem: string; readonly version: string | undefined }[] = [];
    const checked = checkSnapshot(snapshot, before, (problem, version) => {
      complaints.push({ problem, version });
    });
    const text = JSON.stringify(complaints);
    if (text === this.#complaints) return checked;
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
    return checked;
  }

  #succeeded(tellings: Tellings): void {
    if (this.failures > 0) tellings.answersAgain(this.application);
    this.failures = 0;
    this.error = undefined;
    this.isReady = true;
    // A read whose answer this process only saw after it had been stopped for long is no news.
    if (this.expiry === "fresh" || !this.#table.isFresh(this.#options.clock())) return;
    if (this.expiry === "told") tellings.countsAgain(this.application);
    this.expiry = "fresh";
  }

  #tellFollowers(reading: Reading): void {
    for (const follower of this.#options.followers) {
      try {
        follower(reading);
      } catch (error) {
        // A bug of the follower: the table counts already, and the store is well.
        this.#options.log.error(
          "a part of the daemon failed at a new reading: visitors are served by that reading, and this part may not know it",
          {
            application: this.application,
            error: describe(error),
            remedy: "report this with the version of the daemon",
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
    tellings.line("warn", "the store has no records of this application: everyone goes to master", {
      application: this.application,
      store: this.#options.store,
      remedy: "see that -application and the store's address are spelled right, or write its first record",
    });
  }
}

/** @param sorted as a table has them */
function areSame(sorted: readonly Arc[], arcs: readonly Arc[]): boolean {
  if (sorted.length !== arcs.length) return false;
  return arcs.toSorted(byPrecedence).every((arc, index) => isSame(sorted[index], arc));
}

function isSame(one: Arc | undefined, other: Arc): boolean {
  return (
    one?.version === other.version &&
    one.rollout === other.rollout &&
    one.offset === other.offset &&
    one.failsafe === other.failsafe
  );
}

/** Versions that are new or different. */
function changed(before: readonly Arc[], after: readonly Arc[]): string[] {
  const known = new Map(before.map((arc) => [arc.version, arc]));
  return after.filter((arc) => !isSame(known.get(arc.version), arc)).map(({ version }) => version);
}

/** Who wrote the records that changed, and why, if they all say the same; the log makes the texts plain. */
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

/** A store of one's own may hand over an object that throws when it is looked at. */
function textOf(value: unknown, field: string): unknown {
  try {
    return (value as Readonly<Record<string, unknown>> | null | undefined)?.[field];
  } catch {
    return undefined;
  }
}
