/**
 * The evidence of releases in the tables that `evidence-schema.ts` makes.
 *
 * A reader follows a log by the numbers of its batches. Its cursor is a number, and the time at which the
 * batch of that number was written. If another batch has this number now, or none, the server has fallen back
 * to an older state, or the log has begun again. Then the reader reads it from its beginning.
 *
 * There is no watch, because MariaDB pushes nothing.
 *
 * Evidence has a connection of its own, which is closed if it is not needed. If an operator has locked the
 * tables of evidence, the reads of records must not wait for that.
 */

import { SYSTEM_TIMERS, type Timers } from "../../timers.ts";
import { EVIDENCE_READ_BYTES_MAX, type Evidence, type EvidenceLog, type EvidenceNews } from "../evidence.ts";
import { RestingSession } from "../sql/resting-session.ts";
import type { Row } from "../sql/rows.ts";
import type { Ask } from "../sql/session.ts";
import { StoreError } from "../store.ts";
import { engineOf, type MariadbOptions } from "./client.ts";
import { evidenceFault, isTakenBack } from "./faults.ts";

/** A read looks at no more rows. They may be short. */
const PAGE_ROWS = 1_024;

/** An append that met another one is tried this often. */
const TRIES = 3;

const APPEND = "CALL maxwells_daemon_append(?, ?, ?)";

/** The batches from a number on, so the first row shows whether the reader's last batch is still that one. */
const READ = `
  SELECT number, written, batch
  FROM (
    SELECT number, batch, CAST(written_at AS CHAR) AS written,
      SUM(OCTET_LENGTH(batch)) OVER (ORDER BY number) - OCTET_LENGTH(batch) AS bytes_before
    FROM (
      SELECT number, written_at, batch FROM maxwells_daemon_evidence
      WHERE application = ? AND log = ? AND number >= ? ORDER BY number LIMIT ${PAGE_ROWS}
    ) AS page
  ) AS sized
  WHERE bytes_before < ${EVIDENCE_READ_BYTES_MAX} ORDER BY number`;

/** A number, and a time of the server such as `2026-11-29 12:10:03.000001`. */
const CURSOR = /^(\d{1,18}) ([\d :.-]{19,26})$/;

/** The last batch that a reader got. */
interface Position {
  readonly number: string;
  readonly written: string;
}

export class MariadbEvidence implements Evidence {
  readonly #shown: string;
  readonly #session: RestingSession;

  constructor(options: MariadbOptions, timers: Timers = SYSTEM_TIMERS) {
    this.#shown = options.address.shown;
    this.#session = new RestingSession(engineOf(options), timers);
  }

  async append(log: EvidenceLog, batches: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#run(signal, async (ask) => {
      for (let tries = 1; ; tries++) {
        try {
          await ask(APPEND, [log.application, log.key, JSON.stringify(batches)]);
          return;
        } catch (error) {
          if (tries === TRIES || !isTakenBack(error)) throw error;
        }
      }
    });
  }

  async read(log: EvidenceLog, cursor: string | undefined, signal: AbortSignal): Promise<EvidenceNews> {
    const position = positionOf(cursor);
    const rows = await this.#page(log, position?.number ?? "1", signal);
    if (position === undefined) return newsOf(rows, undefined);
    const [last, ...others] = rows;
    if (last !== undefined && isAt(last, position)) return newsOf(others, position, rows);
    return newsOf(await this.#page(log, "1", signal), undefined);
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  #page({ application, key }: EvidenceLog, from: string, signal: AbortSignal): Promise<readonly Row[]> {
    return this.#run(signal, (ask) => ask(READ, [application, key, from]));
  }

  #run<T>(signal: AbortSignal, use: (ask: Ask) => Promise<T>): Promise<T> {
    return this.#session.run(signal, async (ask) => {
      try {
        return await use(ask);
      } catch (error) {
        throw evidenceFault(this.#shown, error);
      }
    });
  }
}

/**
 * @param found    the rows that are new
 * @param position of the reader before
 * @param page     all rows that were read, if they are more
 */
function newsOf(
  found: readonly Row[],
  position: Position | undefined,
  page: readonly Row[] = found,
): EvidenceNews {
  const batches = found.map(({ batch }) => String(batch));
  const last = found.at(-1);
  const { number, written } = last === undefined ? (position ?? START) : positionIn(last);
  const bytes = page.reduce((sum, { batch }) => sum + Buffer.byteLength(String(batch)), 0);
  const hasMore = found.length > 0 && (page.length >= PAGE_ROWS || bytes >= EVIDENCE_READ_BYTES_MAX);
  return { batches, cursor: `${number} ${written}`, hasMore };
}

/** The cursor of a reader that has seen nothing. It counts as none. */
const START: Position = { number: "0", written: "" };

function isAt(row: Row, position: Position): boolean {
  const { number, written } = positionIn(row);
  return number === position.number && written === position.written;
}

/** @throws {StoreError} if the table has other columns than this program makes */
function positionIn({ number, written }: Row): Position {
  const position = CURSOR.exec(`${String(number)} ${String(written)}`);
  if (position !== null) return { number: position[1] ?? "", written: position[2] ?? "" };
  const remedy = "rename it, and make a new one with init-store";
  throw new StoreError("malformed", `maxwells_daemon_evidence has no number and time in its rows; ${remedy}`);
}

/** Undefined if the text is not of `newsOf`. */
function positionOf(cursor: string | undefined): Position | undefined {
  const [, number, written] = CURSOR.exec(cursor ?? "") ?? [];
  return number === undefined || written === undefined ? undefined : { number, written };
}
