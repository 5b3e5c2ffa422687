/**
 * Renews the lease of one proxy, which decides by itself with the arcs that the daemon writes for it. The
 * daemon writes them twice a second. Each lease has an end, so nothing has to be cleaned up if a daemon stops
 * writing.
 */

import type { Log } from "../log/log.ts";
import type { ServerCounts } from "../metrics.ts";
import { errorMessage } from "../text/error-message.ts";

/**
 * Time between two renewals. A change of the rollout table reaches the proxy after this time at the latest.
 */
const RENEW_EVERY_MS = 500;

/** A proxy may decide by one renewal for this long. Several renewals may fail before a visitor notices. */
export const LEASE_MS = 3_000;

export interface RenewalOptions {
  /** The proxy's name in the log, such as `Apache`. */
  readonly proxy: string;
  /** Fields for the log, beside the proxy's name. */
  readonly fields: Readonly<Record<string, string>>;
  readonly log: Log;
  readonly counts: ServerCounts;
  /** Writes the lease once; rejects if that fails. */
  readonly renew: () => Promise<void>;
  /** The visitors that lose the lease, for the log: `all visitors` if the proxy has no other lease. */
  readonly visitors?: string;
  /** An instruction to the operator for an error of `renew`, for the log; undefined if none is known. */
  readonly remedyOf?: (error: unknown) => string | undefined;
}

export class Renewal {
  readonly #options: RenewalOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #renewing: Promise<void> = Promise.resolve();
  #isClosing = false;
  /** Undefined before the first renewal. */
  #isRenewed: boolean | undefined;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  /** Renews from now on. If the proxy or the file's directory is not there yet, the daemon tries again. */
  start(): void {
    this.#renewing = this.#renew();
  }

  /** Leaves the last renewal. The lease ends by itself, unless another daemon goes on with it. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    await this.#renewing;
  }

  async #renew(): Promise<void> {
    const { renew, counts } = this.#options;
    try {
      await renew();
      counts.success++;
      this.#tell(true);
    } catch (error) {
      counts.failure++;
      this.#tell(false, error);
    }
    if (this.#isClosing) return;
    this.#timer = setTimeout(() => this.start(), RENEW_EVERY_MS);
    this.#timer.unref();
  }

  /** Logs failures, and the first renewal after one. The log counts a failure that goes on. */
  #tell(isRenewed: boolean, error?: unknown): void {
    const { proxy, visitors = "all visitors", fields, log, remedyOf } = this.#options;
    if (!isRenewed) {
      log.warn(
        `${proxy}'s lease cannot be renewed: when the lease ends, in at most ${LEASE_MS / 1_000} s, ${proxy} sends ${visitors} to master`,
        { ...fields, error: errorMessage(error), remedy: remedyOf?.(error) },
      );
    } else if (this.#isRenewed !== true) {
      log.info(`${proxy} has a lease`, fields);
    }
    this.#isRenewed = isRenewed;
  }
}
