/**
 * Collects the log lines of one round of reads. If the same happens to several applications, the log has one
 * line with their number: ten thousand applications that lose their store are one line, and not ten
 * thousand.
 */

import type { Ends, Fields, Level, Log } from "../log/log.ts";
import type { Table } from "../rollout.ts";
import { StoreError } from "../stores/store.ts";
import { errorMessage } from "../text/error-message.ts";
import { READ_TIMEOUT_MS } from "./bounded-read.ts";

/** In a round, this many lines of one kind name an application each. The rest is one line with a number. */
const LINES_MAX = 32;

/** A failed read. The line with the error has this message. */
const UNREAD = "the store could not be read";

/** The time between two flushes in a round that takes long. */
const FLUSH_EVERY_MS = 1_000;

/** The fields of an application that the log needs. */
interface Told {
  readonly application: string;
  readonly table: Table;
}

interface Failure {
  readonly code: string | undefined;
  readonly error: string;
  readonly applications: Told[];
}

export interface TellingsOptions {
  readonly log: Log;
  /** The store's address. */
  readonly store: string;
  readonly unhealthyMs: number;
  /** Whether snapshots that an earlier process saved are still looked for. They may soon serve visitors. */
  readonly isLoading: () => boolean;
  /** Whether no application's last read failed. */
  readonly isAllRead: () => boolean;
  /** Whether no application's table is stale. */
  readonly isAllFresh: () => boolean;
}

export class Tellings {
  readonly #log: Log;
  readonly #store: string;
  readonly #unhealthyMs: number;
  readonly #isLoading: () => boolean;
  readonly #isAllRead: () => boolean;
  readonly #isAllFresh: () => boolean;
  readonly #failures = new Map<string, Failure>();
  readonly #expired: string[] = [];
  readonly #answering: string[] = [];
  readonly #counting: string[] = [];
  #flushedAtMs: number | undefined;
  /** Number of lines of each kind in this round. */
  readonly #lines = new Map<string, { readonly level: "info" | "warn"; count: number }>();

  constructor({ log, store, unhealthyMs, isLoading, isAllRead, isAllFresh }: TellingsOptions) {
    this.#log = log;
    this.#store = store;
    this.#unhealthyMs = unhealthyMs;
    this.#isLoading = isLoading;
    this.#isAllRead = isAllRead;
    this.#isAllFresh = isAllFresh;
  }

  failed(told: Told, error: unknown): void {
    const text = describe(error);
    const known = this.#failures.get(text);
    if (known !== undefined) known.applications.push(told);
    else {
      const code = error instanceof StoreError ? error.code : undefined;
      this.#failures.set(text, { code, error: text, applications: [told] });
    }
  }

  expired(application: string): void {
    this.#expired.push(application);
  }

  answersAgain(application: string): void {
    this.#answering.push(application);
  }

  countsAgain(application: string): void {
    this.#counting.push(application);
  }

  /** Writes a line for one application at once. After `LINES_MAX` lines of its kind, it only counts. */
  line(level: Extract<Level, "info" | "warn">, message: string, fields: Fields): void {
    const lines = this.#lines.get(message) ?? { level, count: 0 };
    this.#lines.set(message, lines);
    lines.count++;
    if (lines.count <= LINES_MAX) this.#log[level](message, fields);
  }

  /** Writes the collected lines if the last flush was `FLUSH_EVERY_MS` ago. */
  flushIfDue(nowMs: number): void {
    this.#flushedAtMs ??= nowMs;
    if (nowMs - this.#flushedAtMs >= FLUSH_EVERY_MS) this.flush(nowMs);
  }

  /** Writes the collected lines. */
  flush(nowMs: number): void {
    this.#flushedAtMs = nowMs;
    const store = this.#store;
    for (const [message, { level, count }] of this.#lines) {
      if (count > LINES_MAX) this.#log[level](message, { moreApplications: count - LINES_MAX, store });
    }
    this.#lines.clear();
    if (this.#answering.length > 0) {
      const ends = endsOf(UNREAD, this.#answering, this.#isAllRead);
      this.#log.info("the store answers again", { ...whose(this.#answering), store }, ends);
    }
    if (this.#counting.length > 0) {
      const message = "the store was read again: visitors are served by its rollouts";
      const ends = endsOf(this.#stale, this.#counting, this.#isAllFresh);
      this.#log.info(message, whose(this.#counting), ends);
    }
    this.#flushFailures(nowMs);
    if (this.#expired.length > 0) {
      this.#log.error(this.#stale, { ...whose(this.#expired), store });
    }
    for (const list of [this.#answering, this.#counting, this.#expired]) list.length = 0;
  }

  /** The message of tables that became stale. */
  get #stale(): string {
    return `the store has been unreadable for longer than -unhealthy (${seconds(this.#unhealthyMs)}): all visitors go to master, except those of versions with failsafe hold`;
  }

  #flushFailures(nowMs: number): void {
    let lines = 0;
    let untold = 0;
    for (const { code, error, applications } of this.#failures.values()) {
      if (++lines > LINES_MAX) untold += applications.length;
      else {
        this.#log.warn(UNREAD, {
          ...whose(applications.map(({ application }) => application)),
          store: this.#store,
          code,
          error,
          ...this.#consequence(applications, nowMs),
        });
      }
    }
    if (untold > 0) {
      const error = "several other errors, not listed one by one";
      this.#log.warn(UNREAD, { applications: untold, store: this.#store, error });
    }
    this.#failures.clear();
  }

  /** The age of the last values, and what follows for visitors. */
  #consequence(applications: readonly Told[], nowMs: number): Fields {
    const readAtMs = Math.min(...applications.map(({ table }) => table.readAtMs));
    const age = Number.isFinite(readAtMs) ? seconds(nowMs - readAtMs) : "never read";
    const fresh = applications.filter(({ table }) => table.isFresh(nowMs)).length;
    if (fresh === applications.length) {
      return {
        age,
        now: `visitors are served by the last values until those are older than ${seconds(this.#unhealthyMs)}`,
      };
    }
    if (!Number.isFinite(readAtMs) && this.#isLoading()) {
      return {
        age,
        now: "the daemon looks for a saved snapshot; without one, all visitors go to master until the store is read",
      };
    }
    if (fresh > 0)
      return {
        age,
        now: `${fresh} of the applications are served by their last values; visitors of the others go to master`,
      };
    const holds = applications.some(({ table }) => table.lease(nowMs).arcs.length > 0);
    return {
      age,
      now: holds
        ? "all visitors go to master, except those of versions with failsafe hold"
        : "all visitors go to master",
    };
  }
}

/** One application by its name, several by their number. */
function whose(applications: readonly string[]): Fields {
  const [first] = applications;
  return applications.length === 1 ? { application: first } : { applications: applications.length };
}

/**
 * The complaints that end when these applications are well again. A complaint about several applications ends
 * when all are well.
 */
function endsOf(message: string, applications: readonly string[], isAllWell: () => boolean): Ends {
  const names = new Set<unknown>(applications);
  const isAll = isAllWell();
  return (each, { application }) =>
    each === message && (application === undefined ? isAll : names.has(application));
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))}s`;
}

/** The reason why a read failed, for the log and `/state`. */
export function describe(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `no answer within ${READ_TIMEOUT_MS / 1000}s`;
  }
  return errorMessage(error);
}
