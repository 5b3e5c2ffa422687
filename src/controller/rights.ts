/**
 * Whether this daemon may write records. A daemon that may not leads nothing, and says so: in its log, in its
 * state, and to the other daemons (`presence.ts`).
 */

import type { Log } from "../log/log.ts";
import { RIGHTS_REMEDY } from "../releases/rights-remedy.ts";
import { type Store, StoreError } from "../stores/store.ts";
import { errorMessage } from "../text/error-message.ts";
import type { WriteTrial } from "../verbs/write-trial.ts";

const READ_ONLY = "the store is read-only, so this daemon can advance no release";
const DENIED = "the store refuses the writes of this daemon, so it can advance no release";

export class Rights {
  readonly #log: Log;
  readonly #changed: () => void;
  readonly isReadOnly: boolean;
  #isUntried = true;
  #denied: string | undefined;
  /** The application whose write was refused last. */
  #deniedIn: string | undefined;
  /** Whether a trial was the last to show that the daemon may write. */
  #isByTrial = false;
  /** A trial said so, and the next write was refused. Then only a write counts. */
  #isTrialVain = false;

  /** @param changed called when the daemon learns that it may write, or that it may not */
  constructor(store: Store, log: Log, changed: () => void) {
    this.#log = log;
    this.#changed = changed;
    this.isReadOnly = store.write === undefined;
  }

  /** Whether neither a write nor a trial has shown anything since the start. */
  get isUntried(): boolean {
    return this.#isUntried;
  }

  get canWrite(): boolean {
    return !this.isReadOnly && this.#denied === undefined;
  }

  /** Why this daemon cannot write, for people; undefined if it can. */
  get problem(): string | undefined {
    return this.isReadOnly ? READ_ONLY : this.#denied;
  }

  /** The application for a trial of a write; undefined if none is needed, or if none would help. */
  get deniedIn(): string | undefined {
    return this.#isTrialVain ? undefined : this.#deniedIn;
  }

  /** Says at the start what will not work. */
  tell(store: Store): void {
    if (this.isReadOnly) {
      this.#log.warn(READ_ONLY, {
        store: store.address,
        remedy: "use a store that can be written, or start the daemon with -releases off",
      });
    } else if (store.evidence === undefined) {
      this.#log.warn("the store keeps no evidence, so this daemon must be the only one with -releases on", {
        store: store.address,
        now: "it does not see other controllers, and they do not see it",
      });
    }
  }

  /** Whether the error of a write means that this daemon has no right to write. */
  failed(application: string, error: unknown): boolean {
    if (!(error instanceof StoreError) || error.code !== "denied") return false;
    if (this.#isByTrial) this.#isTrialVain = true;
    this.#refused(application, errorMessage(error));
    return true;
  }

  wrote(): void {
    this.#isByTrial = false;
    this.#isTrialVain = false;
    this.#allowed();
  }

  /** The end of a trial: whether the store would take a write, as far as it shows. */
  tried(application: string, trial: WriteTrial): void {
    if (trial.kind === "denied") {
      this.#refused(application, trial.why);
    } else if (trial.kind === "allowed" && !this.#isTrialVain) {
      this.#isByTrial = this.#denied !== undefined;
      this.#allowed();
    } else {
      this.#learnt(false);
    }
  }

  #refused(application: string, why: string): void {
    const isNews = this.#denied === undefined;
    this.#deniedIn = application;
    this.#denied = `${DENIED}: ${why}`;
    if (isNews) this.#log.error(DENIED, { error: why, remedy: RIGHTS_REMEDY });
    this.#learnt(isNews);
  }

  #allowed(): void {
    const isNews = this.#denied !== undefined;
    this.#deniedIn = undefined;
    this.#denied = undefined;
    if (isNews) this.#log.info("the store takes the writes of this daemon again, so it leads releases again");
    this.#learnt(isNews);
  }

  #learnt(isNews: boolean): void {
    const wasUntried = this.#isUntried;
    this.#isUntried = false;
    if (isNews || wasUntried) this.#changed();
  }
}
