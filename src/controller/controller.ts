/**
 * The controller: it follows the readings of the feed, and leads each release that is under way. Any number
 * of daemons may do that at the same time, because each write is a compare-and-set.
 *
 * Without a release under way it sleeps: it reads nothing, writes nothing, and has no timer.
 */

import type { Harm } from "../checks/runner.ts";
import type { StoreLink } from "../exchange/store-link.ts";
import type { Reading } from "../feed/reading.ts";
import { wallClock as wallClockOf } from "../releases/wall-clock.ts";
import type { Override } from "../saved/override-file.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import { StoreError } from "../stores/store.ts";
import { Counts } from "./counts.ts";
import type { Checks } from "./facts.ts";
import { Freezes } from "./freezes.ts";
import type { Highest } from "./highest.ts";
import type { Impure } from "./impure.ts";
import type { Led } from "./led.ts";
import { LedApplication, type LedApplicationParts } from "./led-application.ts";
import { LiftedOverrides } from "./lifted-overrides.ts";
import { OpenWindows } from "./open-windows.ts";
import type { Overrides } from "./overrides.ts";
import { Rights } from "./rights.ts";
import { RightsTrial } from "./rights-trial.ts";
import type { Notices } from "./standing.ts";
import { Turns } from "./turns.ts";
import type { ControllerView } from "./view.ts";
import { Wakefulness } from "./wakefulness.ts";
import { WriteRates } from "./write-rates.ts";

/** At most this many releases go forward at the same time. The others wait for their turn. */
const ATTEMPTS_MAX = 8;

/** At the end, writes that are under way have this long. Then they are given up. */
const CLOSE_MS = 1_500;

export interface ControllerOptions extends Impure {
  readonly name: string;
  /** It is the controller's to end its calls. */
  readonly link: StoreLink;
  /** Hears the outcomes of releases; undefined if this daemon judges none. */
  readonly hearings?: LedApplicationParts["hearings"];
  readonly unhealthyMs: number;
  /** For the commands in its words. */
  readonly storeFlags: StoreFlags;
  readonly highest: Highest;
  readonly overrides: Overrides;
  /** Makes the checks, with a function that takes their verdicts. */
  readonly checks: (onHarm: (harm: Harm) => void) => Checks;
  readonly notices: Notices;
  /** Makes the feed build the arcs of an application again, because an override has begun or ended. */
  readonly reapply: (application: string) => void;
}

export class Controller {
  readonly #options: ControllerOptions;
  readonly #parts: LedApplicationParts;
  readonly #applications = new Map<string, LedApplication>();
  readonly #wakefulness: Wakefulness;
  readonly #lifted: LiftedOverrides;
  /** All that is under way, beside the work of the releases that are led. */
  readonly #underWay = new Set<Promise<void>>();
  #ledCount = 0;
  #isClosed = false;

  constructor(options: ControllerOptions) {
    const { store, link, clock, timers, log, overrides } = options;
    const { calls, storeClock, exchanges } = link;
    this.#options = options;
    const freezes = new Freezes(store, calls);
    const counts = new Counts();
    const rights = new Rights(store, log, () => this.#rightsChanged());
    const application = () => this.#leds()[0]?.target.application;
    const trial = new RightsTrial({
      ...{ store, rights, calls, clock, application },
      read: (name, snapshot) => this.#applications.get(name)?.lookedBeside(snapshot),
    });
    this.#wakefulness = new Wakefulness({ clock, timers, storeClock, freezes, trial }, () => {
      for (const application of this.#applications.values()) application.clockAsked();
    });
    this.#lifted = new LiftedOverrides(overrides, timers, (override) => {
      this.#endOverride(override, "its file was removed");
    });
    this.#parts = {
      ...{ ...options, calls, storeClock, exchanges, freezes, counts, rights },
      ownState: () => link.ownState(),
      ...{ windows: new OpenWindows(), turns: new Turns(ATTEMPTS_MAX), writeRates: new WriteRates(clock) },
      checks: options.checks(({ subject: { application, version, key }, why }) => {
        this.verdict(application, version, key, why);
      }),
      hearings: options.hearings,
      harm: ({ application, version }, key, reason) => this.verdict(application, version, key, reason),
      isClockAsked: () => this.#wakefulness.isClockAsked,
      endOverride: (override, why) => this.#endOverride(override, why),
      looked: ({ application, version }, now) => this.#applications.get(application)?.looked(version, now),
      wrote: ({ application, version }, now, notice) => {
        counts.wrote(now, notice);
        this.#applications.get(application)?.wrote(version, now);
      },
      track: (work) => this.#track(work),
      begun: () => this.#countLed(1),
      ended: () => this.#countLed(-1),
    };
    options.hearings?.onChange(({ target: { application, version }, key }) => {
      const led = this.#applications.get(application)?.led(version);
      if (led?.key === key) led.judge();
    });
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
    const known = this.#applications.get(application) ?? new LedApplication(application, this.#parts);
    this.#applications.set(application, known);
    known.follow(snapshot, this.#options.clock() - ageMs);
  }

  /**
   * A read of the feed has failed. If the feed refused the answer because it is older than the last one, the
   * store may have gone back (law 17). The feed still waits for a newer answer, but the controller looks at
   * once: an abort that the store has lost is written again.
   */
  failed(application: string, error: unknown): void {
    const isOutdated = error instanceof StoreError && error.code === "outdated";
    if (isOutdated && !this.#isClosed) this.#applications.get(application)?.outdated();
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
    const led = this.#applications.get(application)?.led(version);
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
    const { name, overrides, clock, wallClock } = this.#options;
    const { rights, freezes, counts, storeClock } = this.#parts;
    const storeMs = storeClock.at(clock());
    return {
      storeClockAheadMs: storeMs === undefined ? undefined : storeMs - wallClock(),
      ...{ name, problem: rights.problem, overrides: overrides.all, freeze: freezes.last, counts },
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
    const applications = Array.from(this.#applications.values(), (each) => each.close());
    const closing = Promise.all([...applications, notices.close(), ...this.#underWay]);
    const outOfTime = Promise.withResolvers<void>();
    const giveUp = timers.set(outOfTime.resolve, CLOSE_MS);
    await Promise.race([closing, outOfTime.promise]);
    timers.clear(giveUp);
    calls.end();
    await closing;
    await Promise.all([highest.close(), overrides.close()]);
  }

  #leds(): Led[] {
    return [...this.#applications.values()].flatMap(({ leds }) => [...leds]);
  }

  #rightsChanged(): void {
    if (this.#isClosed) return;
    for (const led of this.#leds()) led.rightsChanged();
  }

  #countLed(change: 1 | -1): void {
    this.#ledCount += change;
    if (this.#ledCount > 0) this.#wakefulness.wake();
    else this.#wakefulness.sleep();
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
