/**
 * The releases of one application that this daemon leads. It takes the readings of the application, and
 * compares them with all that was seen before.
 */

import { hasRelease } from "../records/release-in.ts";
import { isBehind } from "../releases/known.ts";
import { isUnderWay } from "../releases/release.ts";
import type { Now } from "../releases/request.ts";
import { isSeen, type Seen } from "../releases/seen.ts";
import type { Snapshot } from "../stores/store.ts";
import { nowIn, type Target } from "../verbs/look.ts";
import { Led } from "./led.ts";
import type { LedParts } from "./parts.ts";

/** If the feed refuses an older state, the controller looks at it this often. */
const OUTDATED_EVERY_MS = 2_000;
const OUTDATED_READ_MS = 5_000;

export interface LedApplicationParts extends LedParts {
  /** Called with work that the end of the controller waits for. It never rejects. */
  readonly track: (work: Promise<void>) => void;
  /** Called when a release is led from now on, or no more. */
  readonly begun: () => void;
  readonly ended: () => void;
}

export class LedApplication {
  readonly #application: string;
  readonly #parts: LedApplicationParts;
  readonly #leds = new Map<string, Led>();
  /** The problems of releases that the log has, by version. */
  readonly #told = new Map<string, string>();
  /** The last snapshot that was taken. */
  #snapshot: Snapshot | undefined;
  /** When the feed last read the records, on the monotonic clock. */
  #readAtMs = Number.NEGATIVE_INFINITY;
  /**
   * When this daemon last wrote a release or saw a newer state than the readings, on the monotonic clock.
   * Older readings do not count.
   */
  #newerAtMs = Number.NEGATIVE_INFINITY;
  /** Whether no reading was taken since. If the store loses that, the next reading is the same object. */
  #isAhead = false;
  #outdatedAtMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(application: string, parts: LedApplicationParts) {
    this.#application = application;
    this.#parts = parts;
  }

  get leds(): Iterable<Led> {
    return this.#leds.values();
  }

  led(version: string): Led | undefined {
    return this.#leds.get(version);
  }

  /**
   * A successful read. If it has nothing new and no release is under way, this does nothing.
   *
   * @param askedAtMs when the store was asked, on the monotonic clock
   */
  follow(snapshot: Snapshot, askedAtMs: number): void {
    // After a look at an older state, a reading without news is news: the store is well again.
    const isBehind = this.#leds.values().some((led) => led.isBehind);
    const isNews = snapshot !== this.#snapshot || this.#isAhead || isBehind;
    this.#readAtMs = this.#parts.clock();
    if (isNews && askedAtMs >= this.#newerAtMs) this.#take(snapshot);
    this.#look();
  }

  /** The store's clock has answered or failed. */
  clockAsked(): void {
    for (const led of this.#leds.values()) led.lookAgain();
  }

  /** The feed has refused an older state. */
  outdated(): void {
    const { clock, highest, track } = this.#parts;
    const isKnown = highest.versions(this.#application).next().done !== true;
    const nowMs = clock();
    if (!isKnown || nowMs - this.#outdatedAtMs < OUTDATED_EVERY_MS) return;
    this.#outdatedAtMs = nowMs;
    track(this.#lookBehind());
  }

  /** This daemon has looked at a release before a write. A reading from before that does not count. */
  looked(version: string, now: Now): void {
    const { highest, clock } = this.#parts;
    if (!highest.see({ application: this.#application, version }, now)) return;
    this.#newerAtMs = clock();
    this.#isAhead = true;
  }

  /** The records were read for another purpose. The store may go back before the feed reads them. */
  lookedBeside(snapshot: Snapshot): void {
    for (const version of this.#versionsIn(snapshot)) {
      const now = nowIn(snapshot, version);
      // A replica that lags may not have the release yet. Only the feed says that it is gone.
      if (isSeen(now)) this.looked(version, now);
    }
  }

  /** This daemon has written a release. */
  wrote(version: string, now: Now): void {
    this.#newerAtMs = this.#parts.clock();
    this.#isAhead = true;
    this.#takeVersion(version, now, this.#newerAtMs, false);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(Array.from(this.#leds.values(), (led) => led.close()));
  }

  #take(snapshot: Snapshot): void {
    const { highest, track } = this.#parts;
    this.#snapshot = snapshot;
    this.#isAhead = false;
    if (!highest.isLoaded(this.#application)) {
      track(this.#takeLater());
      return;
    }
    for (const version of this.#versionsIn(snapshot)) {
      this.#takeVersion(version, nowIn(snapshot, version), this.#readAtMs, true);
    }
  }

  /**
   * The versions with a release, and those that had one. Without its state directory, a daemon may know of a
   * release that is gone by nothing but its override.
   */
  #versionsIn(snapshot: Snapshot): ReadonlySet<string> {
    const { highest, overrides } = this.#parts;
    const application = this.#application;
    const versions = [...snapshot].flatMap(([version, { value }]) => (hasRelease(value) ? [version] : []));
    const known = [...this.#leds.keys(), ...this.#told.keys(), ...highest.versions(application)];
    return new Set([...versions, ...known, ...overrides.versions(application)]);
  }

  /** Takes the last snapshot once the file of the application has been read. */
  async #takeLater(): Promise<void> {
    await this.#parts.highest.load(this.#application);
    if (this.#isClosed || this.#snapshot === undefined) return;
    this.#take(this.#snapshot);
    this.#look();
  }

  #look(): void {
    for (const led of this.#leds.values()) led.look(this.#readAtMs);
  }

  /**
   * @param atMs when the state was read or written, on the monotonic clock
   * @param isServed whether visitors are served by this state now. Only then an override may end: before, the
   *                 feed would serve the arcs of the reading before it again.
   */
  #takeVersion(version: string, now: Now, atMs: number, isServed: boolean): void {
    const { highest, overrides, endOverride } = this.#parts;
    const target = { application: this.#application, version };
    const isOlder = isBehind(highest.of(target), now);
    highest.see(target, now);
    if (!isSeen(now)) {
      this.#forget(target, now);
      return;
    }
    this.#told.delete(version);
    if (isOlder) {
      (this.#leds.get(version) ?? this.#begin(target, now, atMs)).seeBehind();
      return;
    }
    const override = overrides.of(target);
    const ended = override === undefined ? undefined : overrides.endedBy(now, override);
    if (isServed && override !== undefined && ended !== undefined) endOverride(override, ended);
    this.#lead(target, now, atMs);
  }

  #lead(target: Target, now: Seen, atMs: number): void {
    const { application, version } = target;
    const { release } = now.found;
    const led = this.#leds.get(version);
    // The end of a release is worth a notice too. A release that goes on has its own look.
    if (!isUnderWay(release)) {
      const leaders = () => led?.ledBy() ?? [];
      this.#parts.notices.look({ application, version, release, leaders });
    }
    const isSame = led?.key === release.key;
    if (isSame) led.see(now, atMs);
    const isOver = !isUnderWay(release) && release.fade === undefined;
    if (led !== undefined && (isOver || !isSame)) this.#end(led);
    if (!isOver && !isSame) this.#begin(target, now, atMs).reconsider();
  }

  #begin(target: Target, seen: Seen, atMs: number): Led {
    const led = new Led(target, seen, atMs, this.#parts);
    this.#leds.set(target.version, led);
    this.#parts.begun();
    return led;
  }

  #end(led: Led): void {
    this.#leds.delete(led.target.version);
    this.#parts.track(led.close());
    this.#parts.ended();
  }

  /** Law 11: a release that is gone or cannot be read is left alone, and the log says so once. */
  #forget(target: Target, { found, isMalformed }: Now): void {
    const { overrides, endOverride, log } = this.#parts;
    const { version } = target;
    const led = this.#leds.get(version);
    if (led !== undefined) this.#end(led);
    const override = overrides.of(target);
    if (override !== undefined && found.kind === "none" && !isMalformed) {
      endOverride(override, "the release is gone from the record");
    }
    const problem = problemOf(found, isMalformed);
    const isNews = problem === undefined ? led !== undefined : this.#told.get(version) !== problem;
    if (problem === undefined) this.#told.delete(version);
    else this.#told.set(version, problem);
    if (!isNews) return;
    log.warn("a release is left alone", {
      ...{ ...target, release: led?.release.id, problem: problem ?? "it is gone from the record" },
      remedy:
        problem === undefined ? undefined : "look at the record with get; abort takes its visitors back",
    });
  }

  /** Looks at a state that the feed refuses, because it is older. Never rejects. */
  async #lookBehind(): Promise<void> {
    const { calls, store, highest, clock } = this.#parts;
    const application = this.#application;
    try {
      const snapshot = await calls.run(OUTDATED_READ_MS, (signal) => store.read(application, signal));
      if (this.#isClosed) return;
      this.lookedBeside(snapshot);
      for (const version of highest.versions(application)) {
        const target = { application, version };
        const now = nowIn(snapshot, version);
        if (!isSeen(now) || !isBehind(highest.of(target), now)) continue;
        (this.#leds.get(version) ?? this.#begin(target, now, clock())).seeBehind();
      }
    } catch {
      // The feed says that the store cannot be read.
    }
  }
}

/** Why a release cannot be used; undefined if there is none. */
function problemOf(found: Now["found"], isMalformed: boolean): string | undefined {
  if (found.kind === "problem") return `its field ${found.field} is ${found.code}`;
  return isMalformed && found.kind === "release" ? "its record is malformed" : undefined;
}
