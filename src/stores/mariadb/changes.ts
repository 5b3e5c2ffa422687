/**
 * Notices changes. MariaDB pushes none, so the daemon asks twice a second which applications were written
 * since the last count. Usually none was, and the server looks into two indexes and reads one row.
 *
 * Counts are in the order in which writes become visible (`schema.ts`). So no write is missed. A lower count
 * than before is an older state, after a fail-over. Then all applications are read.
 */

import { pause } from "../shared/abort.ts";
import { Listeners } from "../shared/listeners.ts";
import type { Row } from "../sql/rows.ts";
import { Session } from "../sql/session.ts";
import { engineOf, type MariadbOptions } from "./client.ts";
import { isMissingTable, isWithoutTable } from "./faults.ts";
import { COUNT_ROW } from "./schema.ts";

/** The time between two looks. */
const LOOK_EVERY_MS = 500;

/** The limit for each look, with connecting. */
const LOOK_TIMEOUT_MS = 1_500;

/** If this many applications have changed at once, all are read. */
const NAMES_MAX = 1_000;

/** If this user may not look, the daemon tries again this often. */
const NO_TABLE_MS = 30_000;

const REMEDY_DENIED = "grant SELECT on maxwells_daemon_changes";
const REMEDY_MISSING = "make maxwells_daemon_changes with maxwells-daemon init-store";

const CHANGED = `
  SELECT application, revision FROM maxwells_daemon_changes WHERE application = '${COUNT_ROW}'
  UNION ALL
  (SELECT application, revision FROM maxwells_daemon_changes
  WHERE revision > ? AND application <> '${COUNT_ROW}' LIMIT ${NAMES_MAX})`;

/** More than any count, for the first look. */
const NO_COUNT = "18446744073709551615";

export class Changes {
  readonly #shown: string;
  readonly #session: Session;
  readonly #warn: (message: string) => void;
  readonly #listeners = new Listeners((ending) => this.#follow(ending));
  #isWarned = false;

  constructor(options: MariadbOptions, warn: (message: string) => void) {
    this.#shown = options.address.shown;
    this.#session = new Session(engineOf(options));
    this.#warn = warn;
  }

  /** Calls `changed` soon after each change of the application, until the returned function is called. */
  add(application: string, changed: () => void): () => void {
    return this.#listeners.add(application, changed);
  }

  async close(): Promise<void> {
    await Promise.all([this.#listeners.close(), this.#session.close()]);
  }

  /** Looks again and again, until a look fails or the watch ends. */
  async #follow(ending: AbortSignal): Promise<void> {
    let known = await this.#look(undefined, ending);
    while (known !== undefined && !ending.aborted) {
      await pause(LOOK_EVERY_MS, ending);
      if (!ending.aborted) known = await this.#look(known, ending);
    }
    if (known === undefined) await pause(NO_TABLE_MS, ending);
  }

  /**
   * Nudges what has changed since the count `known`. Resolves with the count now, and with undefined if this
   * user may not look.
   */
  async #look(known: bigint | undefined, ending: AbortSignal): Promise<bigint | undefined> {
    const rows = await this.#session.run(LOOK_TIMEOUT_MS, ending, async (ask) => {
      try {
        return await ask(CHANGED, [known === undefined ? NO_COUNT : String(known)]);
      } catch (error) {
        if (!isWithoutTable(error)) throw error;
        this.#sayOnce(isMissingTable(error) ? REMEDY_MISSING : REMEDY_DENIED);
        return undefined;
      }
    });
    if (rows === undefined) return undefined;
    this.#isWarned = false;
    const count = countIn(rows);
    const names = rows.map(({ application }) => String(application)).filter((name) => name !== COUNT_ROW);
    if (known === undefined || count < known || names.length >= NAMES_MAX) this.#listeners.nudgeAll();
    else for (const name of names) this.#listeners.nudge(name);
    return count;
  }

  #sayOnce(remedy: string): void {
    if (!this.#isWarned) {
      this.#warn(`${this.#shown}: changes are found by the poll only, after -delay; ${remedy}`);
    }
    this.#isWarned = true;
  }
}

/** 0 in a table without the row. */
function countIn(rows: readonly Row[]): bigint {
  const text = String(rows.find(({ application }) => application === COUNT_ROW)?.["revision"] ?? "0");
  return /^\d{1,20}$/.test(text) ? BigInt(text) : 0n;
}
