/** The state of a release beyond its record: whether it is led, and whether it is stuck. It tells both. */

import { PRESENCE_MS_MAX } from "../evidence/crew.ts";
import type { Sign } from "../judge/signs.ts";
import { SIGN_SENTENCES } from "../judge/step-sentences.ts";
import type { Log } from "../log/log.ts";
import type { Extra } from "../notices/notice.ts";
import type { NoticeSender } from "../notices/sender.ts";
import type { Release } from "../releases/release.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import { commandLine } from "../verbs/command-line.ts";
import type { Target } from "../verbs/look.ts";
import { nameOf } from "../verbs/transition-line.ts";
import type { Presence } from "./presence.ts";
import type { Rights } from "./rights.ts";

/** A problem that lasts for longer is worth a notice. */
export const STUCK_MS = 300_000;

/** If one daemon is quiet for less, its news that it hears outcomes again may be on the way. */
const PART_MS = 10_000;

/** The part of the notices that a controller needs. */
export type Notices = Pick<NoticeSender, "look" | "extra" | "close">;

export interface StandingParts {
  /** The name of this controller. */
  readonly name: string;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  readonly storeFlags: StoreFlags;
  readonly log: Log;
  readonly rights: Rights;
  readonly notices: Notices;
}

export class Standing {
  readonly #target: Target;
  readonly #presence: Presence | undefined;
  readonly #parts: StandingParts;
  #ledAtMs: number;
  #isUnled = false;
  #silence: "none" | "part" | "whole" = "none";
  /** When it was last true that not some daemons alone are quiet, on the monotonic clock. */
  #noPartAtMs: number;
  #problem: string | undefined;
  #problemSinceMs = Number.NaN;

  constructor(target: Target, presence: Presence | undefined, parts: StandingParts) {
    this.#target = target;
    this.#presence = presence;
    this.#parts = parts;
    this.#ledAtMs = parts.clock();
    this.#noPartAtMs = this.#ledAtMs;
  }

  /** Whether no controller has led it for long. */
  get isUnled(): boolean {
    return this.#isUnled;
  }

  /** The names of all controllers that lead it now, sorted. This one leads as long as it can write. */
  ledBy(): string[] {
    const { name, clock, rights } = this.#parts;
    return [...(rights.canWrite ? [name] : []), ...(this.#presence?.leaders(clock()) ?? [])].sort();
  }

  /** Call it at each look at the release. */
  look(release: Release): void {
    const { application, version } = this.#target;
    this.#parts.notices.look({ application, version, release, leaders: () => this.ledBy() });
    this.#lookForLeaders(release);
  }

  /**
   * A problem holds the release back.
   *
   * @param problem undefined if there is none
   */
  lookForProblem(release: Release, problem: string | undefined): void {
    const nowMs = this.#parts.clock();
    if (problem === undefined || this.#problem === undefined) this.#problemSinceMs = nowMs;
    this.#problem = problem;
    const isStuck = problem !== undefined && nowMs - this.#problemSinceMs >= STUCK_MS;
    if (isStuck && !this.#isUnled) this.notify(release, "stuck", problem);
  }

  /** The judge has raised a sign: the log and a notice say what it means, and what a person can do. */
  raised(release: Release, sign: Sign): void {
    const { application } = this.#target;
    const { log, storeFlags } = this.#parts;
    const remedy = commandLine(storeFlags, application, "release", "-clear", sign, "-m", "WHY");
    log.warn(`${nameOf(this.#target, release)} is held back: the judge raised the sign ${sign}`, {
      ...{ ...this.#target, means: SIGN_SENTENCES[sign] },
      remedy: `look for the cause; if it is well, clear the sign: ${remedy}`,
    });
    this.notify(release, `sign_${sign}`, `${SIGN_SENTENCES[sign]}; if it is well: ${remedy}`);
  }

  /**
   * Reports do not come, or come again.
   *
   * @param silence what a person must know of it; undefined if all is well
   * @param isWhole whether no daemon hears any
   */
  silent(release: Release, silence: string | undefined, isWhole: boolean): void {
    const { log } = this.#parts;
    const kind = silence === undefined ? "none" : isWhole ? "whole" : "part";
    const nowMs = this.#parts.clock();
    if (kind !== "part") this.#noPartAtMs = nowMs;
    if (kind === this.#silence || (kind === "part" && nowMs - this.#noPartAtMs < PART_MS)) return;
    const name = nameOf(this.#target, release);
    if (silence === undefined) log.info(`outcomes of ${name} are reported again`, { ...this.#target });
    else log.warn(`outcomes of ${name} are not reported: ${silence}`, { ...this.#target });
    this.#silence = kind;
    if (kind === "whole") this.notify(release, "silent", silence);
  }

  /** A notice about a state that lasts. It is sent once for each `seq`. */
  notify(release: Release, extra: Extra, why?: string): void {
    const { application, version } = this.#target;
    this.#parts.notices.extra({ application, version, release, leaders: () => this.ledBy() }, extra, why);
  }

  #lookForLeaders(release: Release): void {
    const { clock, log, rights } = this.#parts;
    const nowMs = clock();
    if (this.ledBy().length > 0) this.#ledAtMs = nowMs;
    const isUnled = nowMs - this.#ledAtMs >= PRESENCE_MS_MAX;
    if (isUnled && !this.#isUnled) {
      log.error(`no daemon leads ${nameOf(this.#target, release)}: it does not go forward`, {
        ...this.#target,
        remedy: "start a daemon with -releases on that may write this store",
      });
    }
    this.#isUnled = isUnled;
    if (isUnled) this.notify(release, "nobody_leads", rights.problem);
  }
}
