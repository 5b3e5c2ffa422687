/**
 * The story of one release, as it happens. Nothing here decides: the daemon leads the release, the judge
 * judges it by what the proxy reports, and this file tells what the records say.
 */

import { CANARY } from "../../../circle.ts";
import { BAKE_MS, CANARY_OF, type CanaryKind, CRASH_AFTER_MS, CRASH_STEP } from "../../../demo/canaries.ts";
import { APPLICATION, DAEMON, type Stage } from "../../../demo/stage.ts";
import { wholeText } from "../../../judge/figures.ts";
import { type LoggedTransition, loggedTransitions } from "../../../releases/logged.ts";
import { stepPlace, transitionSentence } from "../../../releases/sentence.ts";
import type { Store } from "../../../stores/store.ts";
import { exactDurationText, rolloutText } from "../../../text/amounts.ts";
import { follow, type Sight } from "../../../verbs/follower.ts";
import type { Invocation } from "../../command.ts";
import { CliError } from "../../exit.ts";
import { finish } from "../finish.ts";
import { followedRelease } from "../release/followed.ts";
import { release } from "../release.ts";
import { call } from "./call.ts";
import type { Teller } from "./teller.ts";

/** The name of the software that the release brings. */
const OF = "v2";

/** The visitors get their first pages within this time, and all of them follow a change within the other. */
const BEGIN_MS_MAX = 20_000;
const FOLLOW_MS_MAX = 30_000;
const LOOK_EVERY_MS = 100;

/** Before the release, a person sees for this long that version 1 serves everyone. */
const BEFORE_MS = 2_000;

/** A release that has not ended by then does not end as promised. A person may have paused it. */
const RELEASE_MS_MAX = 600_000;

export interface StoryParts {
  readonly stage: Stage;
  readonly store: Store;
  readonly kind: CanaryKind;
  readonly teller: Teller;
  readonly invocation: Invocation;
  /** Ends the story early. */
  readonly signal: AbortSignal;
}

export class Story {
  readonly #parts: StoryParts;
  #toldSeq = 0;
  #last: LoggedTransition | undefined;
  #crash: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: StoryParts) {
    this.#parts = parts;
  }

  /** Resolves with whether it has ended as promised; undefined if the signal has ended it. */
  async play(): Promise<boolean | undefined> {
    const { stage, kind, signal } = this.#parts;
    try {
      await this.#begin();
      await this.#followRelease();
      if (signal.aborted) return undefined;
      const isPromised = kind === "fine" ? await this.#finish() : this.#isAbortedByJudge();
      const version = this.#versionOfAll(isPromised);
      const areThere = version !== undefined && (await this.#allAt(version));
      if (signal.aborted) return undefined;
      this.#tellEnd(isPromised && areThere, stage);
      return isPromised && areThere;
    } finally {
      clearTimeout(this.#crash);
    }
  }

  async #begin(): Promise<void> {
    const { stage, teller, invocation, signal } = this.#parts;
    const areServed = await until(() => stage.visitors.areServed, BEGIN_MS_MAX, signal);
    if (signal.aborted) return;
    if (!areServed)
      throw new CliError(
        "failed",
        "the proxy of the demo does not serve the visitors, or cannot ask the daemon",
      );
    const count = wholeText(stage.visitors.there);
    teller.tell(`${count} visitors are in the shop. Version 1, named master, serves all of them.`);
    await until(() => false, BEFORE_MS, signal);
    if (signal.aborted) return;
    const words = ["canary", "demo", "-of", OF, "-m", "the demo", "-config", stage.configFile];
    await call(release, [...words, ...this.#storeWords], invocation);
  }

  async #followRelease(): Promise<void> {
    const { store, invocation, signal } = this.#parts;
    if (signal.aborted) return;
    const followed = await followedRelease(store, APPLICATION, CANARY, undefined, invocation);
    const late = AbortSignal.timeout(RELEASE_MS_MAX);
    await follow(followed, followed.seen, (sight) => this.#see(sight), AbortSignal.any([signal, late]));
  }

  /** Tells what is new; false if the release has come to its end. */
  #see(sight: Sight): boolean {
    if (sight.kind === "silent") return true;
    if (sight.found === undefined) return false;
    const { release: now } = sight.found;
    for (const transition of loggedTransitions(now)) {
      if (transition.seq <= this.#toldSeq) continue;
      this.#toldSeq = transition.seq;
      this.#last = transition;
      this.#tellTransition(transition);
      this.#crashAt(transition);
    }
    return now.state === "running" || now.state === "paused";
  }

  #tellTransition(transition: LoggedTransition): void {
    const { teller } = this.#parts;
    const { notice, after, before, release: now, by, why } = transition;
    const share = rolloutText(after);
    switch (notice) {
      case "started":
        teller.tell(
          `The release of version 2 begins, ${stepPlace(now)}: version 2, named canary, gets ${share} of the visitors.`,
        );
        break;
      case "advanced":
        teller.tell(`The daemon goes on, ${stepPlace(now)}: the canary gets ${share}.${this.#harmSoFar()}`);
        break;
      case "promoted":
        teller.tell(`The daemon goes on, ${stepPlace(now)}: all visitors get version 2.${this.#harmSoFar()}`);
        break;
      case "aborted":
        if (by === DAEMON) {
          teller.tell(`The judge is sure: ${why ?? "the canary harms visitors"}.`);
          teller.tell(
            `So the daemon takes the canary back, ${rolloutText(before)} → ${share}. No person did anything.`,
          );
        } else {
          teller.tell(`${by ?? "A person"} takes the canary back, ${rolloutText(before)} → ${share}.`);
        }
        break;
      default:
        teller.tell(`${transitionSentence({ application: APPLICATION, version: CANARY, ...transition })}.`);
    }
  }

  #harmSoFar(): string {
    const text = this.#harm();
    return text === undefined ? "" : ` So far, ${text}.`;
  }

  /** `3 of 410 visitors have met an error`; undefined if no visitor has. */
  #harm(): string | undefined {
    const { stage, kind } = this.#parts;
    const { came, hurt, slowed } = stage.visitors.counts;
    const [count, what] = kind === "slow" ? [slowed, "had to wait"] : [hurt, "met an error"];
    if (count === 0) return undefined;
    return `${wholeText(count)} of ${wholeText(came)} visitors ${count === 1 ? "has" : "have"} ${what}`;
  }

  /** Ends the server of the canary in the middle of a step. */
  #crashAt({ notice, release: now }: LoggedTransition): void {
    const { stage, kind, teller } = this.#parts;
    if (kind !== "crash" || notice !== "advanced" || now.step !== CRASH_STEP) return;
    this.#crash = setTimeout(() => {
      teller.tell("The server of version 2 dies. Visitors of the canary get errors from now on.");
      void stage.canary.crash();
    }, CRASH_AFTER_MS);
  }

  /** The version that all visitors should have at the end; undefined if the release has not ended. */
  #versionOfAll(isPromised: boolean): number | undefined {
    if (this.#last?.notice === "aborted") return 1;
    return isPromised ? 2 : undefined;
  }

  #isAbortedByJudge(): boolean {
    return this.#last?.notice === "aborted" && this.#last.by === DAEMON;
  }

  /** Master's server gets the new software, and then the release is over. */
  async #finish(): Promise<boolean> {
    const { stage, teller, invocation, signal } = this.#parts;
    if (this.#last?.notice !== "promoted") return false;
    await until(() => false, BAKE_MS, signal);
    if (signal.aborted) return false;
    stage.master.deploy(2);
    await call(finish, ["canary", "-deployed", OF, ...this.#storeWords, "-config", "none"], invocation);
    teller.tell(
      "Master's server runs version 2 now, too. So the release is finished, and master serves everyone.",
    );
    return true;
  }

  /** Whether all visitors have got sound pages of this version, all of them asked for from now on. */
  async #allAt(version: number): Promise<boolean> {
    const { stage, teller, signal } = this.#parts;
    const sinceMs = performance.now();
    const { visitors } = stage;
    const areThere = await until(() => visitors.areAllAt(version, sinceMs), FOLLOW_MS_MAX, signal);
    if (!areThere) return false;
    teller.tell(
      `All ${wholeText(visitors.there)} visitors get version ${version}, and none of them meets an error.`,
    );
    return true;
  }

  #tellEnd(isPromised: boolean, stage: Stage): void {
    const { teller, kind } = this.#parts;
    const harm = this.#harm() ?? `none of ${wholeText(stage.visitors.counts.came)} visitors has met an error`;
    const time = exactDurationText(teller.passedMs);
    const { end } = CANARY_OF[kind];
    teller.tell(
      isPromised
        ? `The release was ${end} after ${time}, as promised. In all, ${harm}.`
        : `This has not ended as promised: the release should have been ${end}. In all, ${harm}.`,
    );
  }

  get #storeWords(): readonly string[] {
    return ["-store", this.#parts.stage.storeAddress, "-application", APPLICATION];
  }
}

/** Whether a condition has become true in time. The signal ends the wait. */
async function until(holds: () => boolean, withinMs: number, signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!signal.aborted && performance.now() < deadline) {
    if (holds()) return true;
    await Bun.sleep(LOOK_EVERY_MS);
  }
  return false;
}
