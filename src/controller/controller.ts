/**
 * The controller: it follows the readings of the feed, and leads each release that is under way. Any number
 * of daemons may do that at the same time, because each write is a compare-and-set.
 *
 * Without a release under way it sleeps: it reads nothing, writes nothing, and has no timer.
 */

import type { Reading } from "../feed/reading.ts";
import { fieldsOf } from "../records/fields.ts";
import { isBehind } from "../releases/known.ts";
import { isUnderWay, RELEASE } from "../releases/release.ts";
import type { Notice, Now } from "../releases/request.ts";
import { wallClock as wallClockOf } from "../releases/wall-clock.ts";
import type { Snapshot } from "../stores/store.ts";
import { nowIn, type Target } from "../verbs/look.ts";
import { Calls } from "./calls.ts";
import { Freezes } from "./freezes.ts";
import type { Highest } from "./highest.ts";
import { Led } from "./led.ts";
import { OpenWindows } from "./open-windows.ts";
import type { Override, Overrides } from "./overrides.ts";
import type { ControllerCounts, ControllerView, Impure, LedParts } from "./parts.ts";
import { Rights } from "./rights.ts";
import { isSeen, type Seen } from "./seen.ts";
import { SAMPLE_EVERY_MS, StoreClock } from "./store-clock.ts";
import { Turns } from "./turns.ts";

/** At most this many releases go forward at the same time. The others wait for their turn. */
const ATTEMPTS_MAX = 8;

/** While a release is under way, the freeze is read this often, for people to see. */
const FREEZE_EVERY_MS = 60_000;

/** While there is an override, its file is looked for this often. */
const LIFTED_EVERY_MS = 2_000;

/** At the end, writes that are under way have this long. Then they are given up. */
const CLOSE_MS = 1_500;

export interface ControllerOptions extends Impure {
  readonly name: string;
  readonly unhealthyMs: number;
  readonly highest: Highest;
  readonly overrides: Overrides;
  /** Makes the feed build the arcs of an application again, because an override has begun or ended. */
  readonly reapply: (application: string) => void;
}

/** The controller's knowledge of one application. */
interface Followed {
  snapshot: Snapshot;
  /** The daemon's last own write of a release, on the monotonic clock. Older readings do not count. */
  wroteAtMs: number;
  readonly leds: Map<string, Led>;
  /** The versions whose release cannot be used, and the log says so. */
  readonly told: Map<string, string>;
}

export class Controller {
  readonly #options: ControllerOptions;
  readonly #parts: LedParts;
  readonly #calls: Calls;
  readonly #rights: Rights;
  readonly #storeClock: StoreClock;
  readonly #freezes: Freezes;
  readonly #applications = new Map<string, Followed>();
  readonly #counts: ControllerCounts = { advances: 0, aborts: new Map(), failures: 0 };
  readonly #closing = new Set<Promise<void>>();
  #ledCount = 0;
  #isClockAsked = false;
  #timer: unknown;
  #liftedTimer: unknown;
  #freezeAtMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(options: ControllerOptions) {
    const { store, clock, timers, log } = options;
    this.#options = options;
    this.#calls = new Calls(timers);
    this.#rights = new Rights(store, log);
    this.#storeClock = new StoreClock(store, clock, this.#calls);
    this.#freezes = new Freezes(store, this.#calls);
    this.#parts = {
      ...options,
      ...{ calls: this.#calls, storeClock: this.#storeClock, freezes: this.#freezes, rights: this.#rights },
      ...{ windows: new OpenWindows(), turns: new Turns(ATTEMPTS_MAX), counts: this.#counts },
      isClockAsked: () => this.#isClockAsked,
      wrote: (target, now, notice) => this.#wrote(target, now, notice),
    };
  }

  /** Says what will not work. Call it before visitors are served, because the first zone is slow to load. */
  start(): void {
    this.#rights.tell(this.#options.store);
    wallClockOf("UTC");
    this.#watchFiles();
  }

  /** Takes a reading of the feed. If nothing has changed and no release is under way, it does nothing. */
  follow({ application, snapshot, ageMs }: Reading): void {
    if (this.#isClosed || this.#rights.isReadOnly) return;
    const followed = this.#applications.get(application);
    if (followed?.snapshot !== snapshot) this.#take(application, snapshot, this.#options.clock() - ageMs);
    for (const led of this.#applications.get(application)?.leds.values() ?? []) led.look();
  }

  /**
   * Takes the visitors of a release back at once: on this daemon by an override, and in the store by an
   * abort, which is tried again until the record shows it. A promoted release stays, because a person decides
   * there.
   *
   * @param key the release that was judged
   */
  verdict(application: string, version: string, key: string, reason: string): void {
    const { overrides, wallClock, reapply, log, name } = this.#options;
    const led = this.#led({ application, version });
    if (this.#isClosed || (led?.key === key && led.release.state === "promoted")) return;
    const override = { application, version, key, reason, atMs: wallClock() };
    if (!overrides.set(override)) return;
    reapply(application);
    log.warn("a verdict takes the visitors of a release back", {
      ...{ application, version, release: led?.release.id, reason },
      now: "all visitors of this daemon go to master; the record follows",
    });
    led?.exchange?.tell({ kind: "override", name, reason });
    led?.hurry();
    this.#watchFiles();
  }

  /** Plain data, made with each call. */
  view(): ControllerView {
    const { name, overrides } = this.#options;
    return {
      ...{ name, problem: this.#rights.problem, overrides: overrides.all, counts: this.#counts },
      freeze: this.#freezes.last,
      releases: this.#leds().map((led) => led.view()),
    };
  }

  /** Ends all timers. Writes that are under way may end, within a limit. */
  async close(): Promise<void> {
    const { timers, highest, overrides } = this.#options;
    this.#isClosed = true;
    for (const timer of [this.#timer, this.#liftedTimer]) timers.clear(timer);
    const closing = Promise.all([...this.#closing, ...this.#leds().map((led) => led.close())]);
    let giveUp: unknown;
    const outOfTime = new Promise<void>((resolve) => {
      giveUp = timers.set(resolve, CLOSE_MS);
    });
    await Promise.race([closing, outOfTime]);
    timers.clear(giveUp);
    this.#calls.end();
    await closing;
    await Promise.all([highest.close(), overrides.close()]);
  }

  #leds(): Led[] {
    return [...this.#applications.values()].flatMap(({ leds }) => [...leds.values()]);
  }

  #led({ application, version }: Target): Led | undefined {
    return this.#applications.get(application)?.leds.get(version);
  }

  /** @param askedAtMs when the store was asked for the snapshot, on the monotonic clock */
  #take(application: string, snapshot: Snapshot, askedAtMs: number): void {
    const { highest } = this.#options;
    const followed = this.#applications.get(application) ?? {
      ...{ snapshot, wroteAtMs: Number.NEGATIVE_INFINITY, leds: new Map(), told: new Map() },
    };
    this.#applications.set(application, followed);
    followed.snapshot = snapshot;
    if (askedAtMs < followed.wroteAtMs) return;
    const versions = [...snapshot].flatMap(([version, { value }]) => (hasRelease(value) ? [version] : []));
    const known = [...followed.leds.keys(), ...followed.told.keys(), ...highest.versions(application)];
    const wanted = new Set([...versions, ...known]);
    if (wanted.size === 0) return;
    if (!highest.isLoaded(application)) {
      this.#takeLater(application);
      return;
    }
    for (const version of wanted) {
      this.#takeVersion(followed, { application, version }, nowIn(snapshot, version));
    }
  }

  /** Takes the last snapshot again once the file of the application has been read. */
  #takeLater(application: string): void {
    const loading = this.#options.highest.load(application).then(() => {
      this.#closing.delete(loading);
      const followed = this.#applications.get(application);
      if (this.#isClosed || followed === undefined) return;
      this.#take(application, followed.snapshot, Number.POSITIVE_INFINITY);
      for (const led of followed.leds.values()) led.look();
    });
    this.#closing.add(loading);
  }

  #wrote(target: Target, now: Now, notice: Notice): void {
    const followed = this.#applications.get(target.application);
    if (followed === undefined) return;
    followed.wroteAtMs = this.#options.clock();
    this.#count(now, notice);
    this.#takeVersion(followed, target, now);
  }

  #takeVersion(followed: Followed, target: Target, now: Now): void {
    const { highest, overrides } = this.#options;
    const isOlder = isBehind(highest.of(target), now);
    highest.see(target, now);
    const override = overrides.of(target);
    const ended = override === undefined ? undefined : overrides.endedBy(now, override);
    if (override !== undefined && ended !== undefined && !isOlder) this.#endOverride(override, ended);
    const led = followed.leds.get(target.version);
    if (!isSeen(now)) {
      this.#forget(followed, target, led, now);
      return;
    }
    followed.told.delete(target.version);
    const { release } = now.found;
    const isLed = isUnderWay(release) || release.fade !== undefined || isOlder;
    if (led !== undefined && led.key === release.key) {
      led.see(now);
      if (!isLed) this.#end(followed, led);
    } else {
      if (led !== undefined) this.#end(followed, led);
      if (isLed) this.#begin(followed, target, now);
    }
  }

  #begin(followed: Followed, target: Target, seen: Seen): void {
    const led = new Led(target, seen, this.#parts);
    followed.leds.set(target.version, led);
    this.#ledCount++;
    if (this.#ledCount === 1) this.#wake();
    else led.reconsider();
  }

  #end(followed: Followed, led: Led): void {
    followed.leds.delete(led.target.version);
    this.#ledCount--;
    const closing = led.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    if (this.#ledCount === 0) this.#sleep();
  }

  /** Law 11: a release that is gone or cannot be read is left alone, and the log says so once. */
  #forget(followed: Followed, target: Target, led: Led | undefined, { found, isMalformed }: Now): void {
    if (led !== undefined) this.#end(followed, led);
    const what = isMalformed
      ? "its record is malformed"
      : found.kind === "problem"
        ? `its release has the problem ${found.code} in the field ${found.field}`
        : "its release is gone from the record";
    const isOver = led === undefined && (found.kind === "none" || found.kind === "release");
    if (isOver || followed.told.get(target.version) === what) {
      if (found.kind === "none") followed.told.delete(target.version);
      return;
    }
    followed.told.set(target.version, what);
    this.#options.log.warn("a release is left alone", {
      ...{ ...target, problem: what, release: led?.release.id },
      remedy:
        found.kind === "none" ? undefined : "look at the record with get; abort takes its visitors back",
    });
  }

  #endOverride(override: Override, why: string): void {
    const { overrides, reapply, log } = this.#options;
    overrides.end(override);
    reapply(override.application);
    const { application, version, reason } = override;
    log.info("an override has ended", { application, version, reason, why });
  }

  #count({ found }: Now, notice: Notice): void {
    if (notice === "advanced" || notice === "promoted") this.#counts.advances++;
    if (found.kind !== "release" || isUnderWay(found.release) || notice === "fading") return;
    if (notice !== "aborted" && notice !== "foreign-zero") return;
    const reason = found.release.reason ?? "none";
    this.#counts.aborts.set(reason, (this.#counts.aborts.get(reason) ?? 0) + 1);
  }

  #wake(): void {
    this.#isClockAsked = false;
    this.#tick();
  }

  #sleep(): void {
    this.#options.timers.clear(this.#timer);
    this.#timer = undefined;
  }

  /** Asks the store's clock, and now and then for the freeze, as long as a release is under way. */
  #tick(): void {
    const { timers, clock } = this.#options;
    this.#timer = timers.set(() => this.#tick(), SAMPLE_EVERY_MS);
    const asking = this.#storeClock.refresh(SAMPLE_EVERY_MS).then(() => {
      this.#closing.delete(asking);
      if (this.#isClockAsked || this.#isClosed) return;
      this.#isClockAsked = true;
      for (const led of this.#leds()) led.look();
    });
    this.#closing.add(asking);
    if (clock() - this.#freezeAtMs < FREEZE_EVERY_MS) return;
    this.#freezeAtMs = clock();
    // An advance reads it again, so a failure is told there.
    this.#freezes.read().catch(() => {});
  }

  /** Looks for the files of overrides, as long as there is one. */
  #watchFiles(): void {
    const { timers, overrides } = this.#options;
    if (this.#liftedTimer !== undefined || overrides.all.length === 0 || this.#isClosed) return;
    this.#liftedTimer = timers.set(async () => {
      const lifted = await overrides.lifted().catch(() => []);
      this.#liftedTimer = undefined;
      for (const override of lifted) this.#endOverride(override, "its file was removed");
      this.#watchFiles();
    }, LIFTED_EVERY_MS);
  }
}

/** A custom store may return an object that throws when a field is read. */
function hasRelease(value: unknown): boolean {
  try {
    const release = fieldsOf(value)[RELEASE];
    return release !== undefined && release !== null;
  } catch {
    return false;
  }
}
