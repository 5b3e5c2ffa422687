/**
 * The push: a connection that LISTENs and only nudges. If it fails, the feed's poll finds the changes.
 *
 *     watch ─▶ connecting ─▶ listening ──check──▶ listening
 *                 ▲  │           │ lost, or the check got no answer
 *                 │  └── failed ─┴─▶ backing off ─┐
 *                 └───────────────────────────────┘
 *
 * After each connect all listeners are nudged, because notifications were lost meanwhile. A standby cannot
 * LISTEN, and behind a pooler the LISTEN would stay on a connection that other clients use. In both cases the
 * daemon logs it once, and tries again from time to time, because a standby may be promoted.
 */

import { pause } from "../shared/abort.ts";
import { Listeners } from "../shared/listeners.ts";
import { PostgresClient, type PostgresOptions } from "./client.ts";
import { stateOf } from "./faults.ts";

/**
 * The channel on which the triggers of `schema.ts` report changes; the payload is an application's name, or
 * empty for all of them.
 */
const CHANNEL = "maxwells_daemon";

/** The limit for connecting, and for an answer. */
const ANSWER_TIMEOUT_MS = 1_500;

/** The time between two health checks, because a silent connection may be dead. */
const HEALTH_CHECK_MS = 5_000;

/** If there is no push, the daemon tries again this often. */
const NO_PUSH_MS = 30_000;

/** The error of LISTEN on a standby (read_only_sql_transaction). */
const READ_ONLY = "25006";

type ListenEnd = "lost" | "no push";

export class Listener {
  readonly #options: PostgresOptions;
  readonly #warn: (message: string) => void;
  readonly #listeners = new Listeners((ending) => this.#follow(ending));
  #isWarned = false;

  constructor(options: PostgresOptions, warn: (message: string) => void) {
    this.#options = options;
    this.#warn = warn;
  }

  /** Calls `changed` soon after each change of the application, until the returned function is called. */
  add(application: string, changed: () => void): () => void {
    return this.#listeners.add(application, changed);
  }

  close(): Promise<void> {
    return this.#listeners.close();
  }

  async #follow(ended: AbortSignal): Promise<void> {
    if ((await this.#listen(ended)) === "no push") await pause(NO_PUSH_MS, ended);
  }

  /** Listens until the connection is lost or the watch ends; never rejects. */
  async #listen(ended: AbortSignal): Promise<ListenEnd> {
    let client: PostgresClient | undefined;
    try {
      client = await PostgresClient.open(this.#options, inTime(ended));
      const [row] = await client.query(
        "SELECT pg_is_in_recovery() AS standby, pg_backend_pid() AS process",
        [],
        inTime(ended),
      );
      if (row?.["standby"] === true) return this.#noPush("it is a standby, which reports no changes");
      if (row?.["process"] !== client.processId) return this.#noPush("a pooler stands before it");
      client.onNotification((application) => this.#nudge(application));
      await client.query(`LISTEN ${CHANNEL}`, [], inTime(ended));
      this.#isWarned = false;
      this.#listeners.nudgeAll();
      await this.#stayWith(client, ended);
      return "lost";
    } catch (error) {
      return stateOf(error) === READ_ONLY
        ? this.#noPush("it is a standby, which reports no changes")
        : "lost";
    } finally {
      await client?.close();
    }
  }

  /**
   * Resolves when the connection is gone; rejects when a health check gets no answer, or not the right one.
   */
  async #stayWith(client: PostgresClient, ended: AbortSignal): Promise<void> {
    const gone = new AbortController();
    client.onGone(() => gone.abort());
    const leave = AbortSignal.any([ended, gone.signal]);
    while (!leave.aborted && !client.isGone) {
      await pause(HEALTH_CHECK_MS, leave);
      if (leave.aborted || client.isGone) return;
      const channels = await client.query("SELECT pg_listening_channels() AS channel", [], inTime(ended));
      if (!channels.some(({ channel }) => channel === CHANNEL)) return;
    }
  }

  #nudge(application: string): void {
    if (application === "") this.#listeners.nudgeAll();
    else this.#listeners.nudge(application);
  }

  #noPush(why: string): ListenEnd {
    if (!this.#isWarned) {
      this.#warn(`${this.#options.address.shown}: ${why}, so changes are found by the poll, after -delay`);
    }
    this.#isWarned = true;
    return "no push";
  }
}

function inTime(ended: AbortSignal): AbortSignal {
  return AbortSignal.any([ended, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
}
