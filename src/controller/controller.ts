/**
 * The controller: it follows the readings of the feed, and leads each release that is under way. Any number
 * of daemons may do that at the same time, because each write is a compare-and-set.
 *
 * Without a release under way it sleeps: it reads nothing, writes nothing, and has no timer.
 */

import type { Harm } from "../checks/runner.ts";
import type { Reading } from "../feed/reading.ts";
import { fieldsOf } from "../records/fields.ts";
import { isBehind } from "../releases/known.ts";
import { isUnderWay, RELEASE } from "../releases/release.ts";
import type { Notice, Now } from "../releases/request.ts";
import { wallClock as wallClockOf } from "../releases/wall-clock.ts";
import { type Snapshot, StoreError } from "../stores/store.ts";
import { nowIn, type Target } from "../verbs/look.ts";
import { Calls } from "./calls.ts";
import { Counts } from "./counts.ts";
import type { Checks } from "./facts.ts";
import { Freezes } from "./freezes.ts";
import type { Highest } from "./highest.ts";
import type { Impure } from "./impure.ts";
import { Led } from "./led.ts";
import { LiftedOverrides } from "./lifted-overrides.ts";
import { OpenWindows } from "./open-windows.ts";
import type { Override, Overrides } from "./overrides.ts";
import type { ControllerView, LedParts } from "./parts.ts";
import { Rights } from "./rights.ts";
import { isSeen, type Seen } from "./seen.ts";
import type { Notices } from "./standing.ts";
import { StoreClock } from "./store-clock.ts";
import { Turns } from "./turns.ts";
import { Wakefulness } from "./wakefulness.ts";

/** At most this many releases go forward at the same time. The others wait for their turn. */
const ATTEMPTS_MAX = 8;

/** If the feed refuses an older state of an application, the controller looks at it this often. */
const OUTDATED_EVERY_MS = 2_000;
const OUTDATED_READ_MS = 5_000;

/** At the end, writes that are under way have this long. Then they are given up. */
const CLOSE_MS = 1_500;

export interface ControllerOptions extends Impure {
  readonly name: string;
  readonly unhealthyMs: number;
  readonly highest: Highest;
  readonly overrides: Overrides;
  /** Makes the checks, with a function that takes their verdicts. */
  readonly checks: (onHarm: (harm: Harm) => void) => Checks;
  readonly notices: Notices;
  /** Makes the feed build the arcs of an application again, because an override has begun or ended. */
  readonly reapply: (application: string) => void;
}

/** The controller's knowledge of one application. */
interface Followed {
  /** The last one that was taken. */
  snapshot: Snapshot | undefined;
  /** The daemon's last own write of a release, on the monotonic clock. Older readings do not count. */
  wroteAtMs: number;
  /** When the last look at an older state began, which the feed refused. */
  outdatedAtMs: number;
  readonly leds: Map<string, Led>;
  /** The problems of releases that the log has, by version. */
  readonly told: Map<string, string>;
}

export class Controller {
  readonly #options: ControllerOptions;
  readonly #parts: LedParts;
  readonly #applications = new Map<string, Followed>();
  readonly #counts = new Counts();
  readonly #wakefulness: Wakefulness;
  readonly #lifted: LiftedOverrides;
  /** All that is under way and is not the work of one release. */
  readonly #underWay = new Set<Promise<void>>();
  #ledCount = 0;
  #isClosed = false;

  constructor(options: ControllerOptions) {
    const { store, clock, timers, log, overrides } = options;
    this.#options = options;
    const calls = new Calls(timers);
    const rights = new Rights(store, log);
    const storeClock = new StoreClock(store, clock, calls);
    const freezes = new Freezes(store, calls);
    this.#wakefulness = new Wakefulness({ clock, timers, storeClock, freezes }, () => this.#lookAll());
    this.#lifted = new LiftedOverrides(overrides, timers, (override) => {
      this.#endOverride(override, "its file was removed");
    });
    this.#parts = {
      ...{ ...options, calls, rights, storeClock, freezes, windows: new OpenWindows() },
      ...{ turns: new Turns(ATTEMPTS_MAX), counts: this.#counts },
      checks: options.checks(({ subject, why }) => {
        this.verdict(subject.application, subject.version, subject.key, why);
      }),
      isClockAsked: () => this.#wakefulness.isClockAsked,
      endOverride: (override, why) => this.#endOverride(override, why),
      wrote: (target, now, notice) => this.#wrote(target, now, notice),
    };
  }

  /** Says what will not work. Call it before visitors are served, because the first zone is slow to load. */
  start(): void {
    this.#parts.rights.tell(this.#options.store);
    wallClockOf("UTC");
    this.#lifted.watch();
  }

  /** Takes a reading of the feed. If nothing has changed and no release is under way, it does nothing. */
  follow({ application, snapshot, ageMs }: Reading): void {
    if (this.#isClosed || this.#parts.rights.isReadOnly) return;
    const followed = this.#applications.get(application);
    if (followed?.snapshot !== snapshot) {
      this.#take(application, snapshot, this.#options.clock() - ageMs);
    }
    for (const led of this.#applications.get(application)?.leds.values() ?? []) led.look();
  }

  /**
   * A read of the feed has failed. If the feed refused the answer because it is older than the last one, the
   * store may have gone back (law 17). The feed still waits for a newer answer, but the controller looks at
   * once: an abort that the store has lost is written again.
   */
  failed(application: string, error: unknown): void {
    const followed = this.#applications.get(application);
    const isOutdated = error instanceof StoreError && error.code === "outdated";
    if (!isOutdated || followed === undefined || this.#isClosed) return;
    const { clock, highest } = this.#options;
    const nowMs = clock();
    const isKnown = !highest.versions(application).next().done;
    if (!isKnown || nowMs - followed.outdatedAtMs < OUTDATED_EVERY_MS) return;
    followed.outdatedAtMs = nowMs;
    this.#track(this.#lookBehind(application, followed));
  }

  /**
   * Takes the visitors of a release back at once: on this daemon by an override, and in the store by an
   * abort, which is tried again until the record shows it. A promoted release stays, because a person decides
   * there.
   *
   * @param key the release that was judged
   */
  verdict(application: string, version: string, key: string, reason: string): void {
    const { overrides, wallClock, reapply, log } = this.#options;
    const led = this.#applications.get(application)?.leds.get(version);
    if (this.#isClosed) return;
    if (led?.key === key && led.release.state === "promoted") {
      led.tooLate(reason);
      return;
    }
    if (!overrides.set({ application, version, key, reason, atMs: wallClock() })) return;
    reapply(application);
    log.warn("a verdict takes the visitors of a release back", {
      ...{ application, version, release: led?.release.id, reason },
      now: "all visitors of this daemon go to master; the record follows",
    });
    if (led?.key === key) led.hurry(reason);
    this.#lifted.watch();
  }

  /** Plain data, made with each call. */
  view(): ControllerView {
    const { name, overrides } = this.#options;
    const { rights, freezes } = this.#parts;
    return {
      ...{ name, problem: rights.problem, overrides: overrides.all, freeze: freezes.last },
      counts: this.#counts,
      releases: this.#leds().map((led) => led.view()),
    };
  }

  /** Ends all timers. Writes that are under way may end, within a limit. */
  async close(): Promise<void> {
    const { timers, highest, overrides } = this.#options;
    const { checks, calls, notices } = this.#parts;
    this.#isClosed = true;
    this.#wakefulness.sleep();
    this.#lifted.close();
    checks.close();
    const closing = Promise.all([
      ...this.#leds().map((led) => led.close()),
      notices.close(),
      ...this.#underWay,
    ]);
    let giveUp: unknown;
    const outOfTime = new Promise<void>((resolve) => {
      giveUp = timers.set(resolve, CLOSE_MS);
    });
    await Promise.race([closing, outOfTime]);
    timers.clear(giveUp);
    calls.end();
    await closing;
    await Promise.all([highest.close(), overrides.close()]);
  }

  #leds(): Led[] {
    return [...this.#applications.values()].flatMap(({ leds }) => [...leds.values()]);
  }

  #lookAll(): void {
    for (const led of this.#leds()) led.look();
  }

  /** @param askedAtMs when the store was asked for the snapshot, on the monotonic clock */
  #take(application: string, snapshot: Snapshot, askedAtMs: number): void {
    const { highest } = this.#options;
    const followed = this.#applications.get(application) ?? newFollowed();
    this.#applications.set(application, followed);
    if (askedAtMs < followed.wroteAtMs) return;
    followed.snapshot = snapshot;
    const versions = [...snapshot].flatMap(([version, { value }]) => (hasRelease(value) ? [version] : []));
    const known = [...followed.leds.keys(), ...followed.told.keys(), ...highest.versions(application)];
    const wanted = new Set([...versions, ...known]);
    if (wanted.size > 0 && !highest.isLoaded(application)) {
      this.#track(this.#takeLater(application));
      return;
    }
    for (const version of wanted) {
      this.#takeVersion(followed, { application, version }, nowIn(snapshot, version));
    }
  }

  /** Takes the last snapshot again once the file of the application has been read. */
  async #takeLater(application: string): Promise<void> {
    await this.#options.highest.load(application);
    const followed = this.#applications.get(application);
    if (this.#isClosed || followed?.snapshot === undefined) return;
    this.#take(application, followed.snapshot, Number.POSITIVE_INFINITY);
    for (const led of followed.leds.values()) led.look();
  }

  #wrote(target: Target, now: Now, notice: Notice): void {
    const followed = this.#applications.get(target.application);
    if (followed === undefined) return;
    followed.wroteAtMs = this.#options.clock();
    this.#counts.wrote(now, notice);
    this.#takeVersion(followed, target, now);
  }

  #takeVersion(followed: Followed, target: Target, now: Now): void {
    const { highest, overrides } = this.#options;
    const isOlder = isBehind(highest.of(target), now);
    highest.see(target, now);
    const led = followed.leds.get(target.version);
    if (!isSeen(now)) {
      this.#forget(followed, target, led, now);
      return;
    }
    followed.told.delete(target.version);
    if (isOlder) {
      (led ?? this.#begin(followed, target, now)).seeBehind();
      return;
    }
    const override = overrides.of(target);
    const ended = override === undefined ? undefined : overrides.endedBy(now, override);
    if (override !== undefined && ended !== undefined) this.#endOverride(override, ended);
    this.#lead(followed, target, led, now);
  }

  #lead(followed: Followed, target: Target, led: Led | undefined, now: Seen): void {
    const { application, version } = target;
    const { release } = now.found;
    // The end of a release is worth a notice too. A release that goes on has its own look.
    if (!isUnderWay(release)) {
      const leaders = () => led?.ledBy() ?? [];
      this.#parts.notices.look({ application, version, release, leaders });
    }
    const isSame = led?.key === release.key;
    if (isSame) led.see(now);
    const isOver = !isUnderWay(release) && release.fade === undefined;
    if (led !== undefined && (isOver || !isSame)) this.#end(followed, led);
    if (!isOver && !isSame) this.#begin(followed, target, now).reconsider();
  }

  #begin(followed: Followed, target: Target, seen: Seen): Led {
    const led = new Led(target, seen, this.#parts);
    followed.leds.set(target.version, led);
    this.#ledCount++;
    this.#wakefulness.wake();
    return led;
  }

  #end(followed: Followed, led: Led): void {
    followed.leds.delete(led.target.version);
    this.#ledCount--;
    this.#track(led.close());
    if (this.#ledCount === 0) this.#wakefulness.sleep();
  }

  /** Law 11: a release that is gone or cannot be read is left alone, and the log says so once. */
  #forget(followed: Followed, target: Target, led: Led | undefined, { found, isMalformed }: Now): void {
    const { overrides, log } = this.#options;
    if (led !== undefined) this.#end(followed, led);
    const override = overrides.of(target);
    if (override !== undefined && found.kind === "none" && !isMalformed) {
      this.#endOverride(override, "the release is gone from the record");
    }
    const problem = problemOf(found, isMalformed);
    const isNews = problem !== undefined && followed.told.get(target.version) !== problem;
    if (problem === undefined) followed.told.delete(target.version);
    else followed.told.set(target.version, problem);
    if (!isNews && (led === undefined || problem !== undefined)) return;
    log.warn("a release is left alone", {
      ...{ ...target, release: led?.release.id, problem: problem ?? "it is gone from the record" },
      remedy:
        problem === undefined ? undefined : "look at the record with get; abort takes its visitors back",
    });
  }

  /** Looks at a state that the feed refuses, because it is older. Never rejects. */
  async #lookBehind(application: string, followed: Followed): Promise<void> {
    const { store, highest } = this.#options;
    try {
      const snapshot = await this.#parts.calls.run(OUTDATED_READ_MS, (signal) =>
        store.read(application, signal),
      );
      if (this.#isClosed) return;
      for (const version of highest.versions(application)) {
        const target = { application, version };
        const now = nowIn(snapshot, version);
        if (!isSeen(now) || !isBehind(highest.of(target), now)) continue;
        (followed.leds.get(version) ?? this.#begin(followed, target, now)).seeBehind();
      }
    } catch {
      // The feed says that the store cannot be read.
    }
  }

  #endOverride(override: Override, why: string): void {
    const { overrides, reapply, log } = this.#options;
    overrides.end(override);
    reapply(override.application);
    const { application, version, reason } = override;
    log.info("an override has ended", { application, version, reason, why });
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }
}

function newFollowed(): Followed {
  const never = Number.NEGATIVE_INFINITY;
  return {
    ...{ snapshot: undefined, wroteAtMs: never, outdatedAtMs: never, leds: new Map(), told: new Map() },
  };
}

/** Why a release cannot be used; undefined if there is none. */
function problemOf(found: Now["found"], isMalformed: boolean): string | undefined {
  if (found.kind === "problem") return `its field ${found.field} is ${found.code}`;
  return isMalformed && found.kind === "release" ? "its record is malformed" : undefined;
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
