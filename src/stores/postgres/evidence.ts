/**
 * The evidence of releases in the table that `evidence-schema.ts` makes.
 *
 * A reader follows a log by the numbers of its rows' transactions. The server tells which transactions have
 * ended. All of their rows are visible, so they are settled: the next read begins behind them. Rows of later
 * transactions are returned now, and once more. So no batch is lost, whatever the clocks say.
 *
 * There is no watch. A notification takes a lock that all transactions with notifications wait for, and wakes
 * the connection of each daemon that listens. That costs more than a read each two seconds.
 *
 * Evidence has a connection of its own, which is closed if it is not needed. If an operator has locked the
 * table of evidence, the reads of records must not wait for that.
 */

import { SYSTEM_TIMERS, type Timers } from "../../timers.ts";
import { EVIDENCE_READ_BYTES_MAX, type Evidence, type EvidenceLog, type EvidenceNews } from "../evidence.ts";
import { RestingSession } from "../sql/resting-session.ts";
import type { Row } from "../sql/rows.ts";
import { StoreError } from "../store.ts";
import { engineOf, type PostgresOptions } from "./client.ts";
import { evidenceFault } from "./faults.ts";

/**
 * A row of this age is settled, even if an earlier transaction has not ended: an append is given up long
 * before. Otherwise a transaction of another program that lasts for hours would make each read a long one.
 */
const SETTLED_MS = 60_000;

/** A read looks at no more rows. They may be short. */
const PAGE_ROWS = 1_024;

const APPEND = `
  INSERT INTO maxwells_daemon_evidence (application, key, batch) SELECT $1, $2, unnest($3::text[])`;

const READ = `
  WITH page AS (
    SELECT id, transaction, written_at, batch,
      sum(octet_length(batch)) OVER (ORDER BY transaction, id) - octet_length(batch) AS bytes_before
    FROM (
      SELECT id, transaction, written_at, batch FROM maxwells_daemon_evidence
      WHERE application = $1 AND key = $2 AND (transaction, id) > ($3::bigint, $4::bigint)
      ORDER BY transaction, id LIMIT ${PAGE_ROWS}
    ) AS rows
  )
  SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint::text AS server,
    txid_snapshot_xmin(txid_current_snapshot())::text AS unended,
    (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text AS now_ms,
    id::text AS id, transaction::text AS transaction, batch,
    (extract(epoch FROM written_at) * 1000)::bigint::text AS written_ms
  FROM (SELECT) AS always LEFT JOIN page ON bytes_before < ${EVIDENCE_READ_BYTES_MAX}
  ORDER BY page.transaction, page.id`;

/** Numbers with as many digits as any `bigint` can hold. */
const CURSOR = /^\d{1,18}(?: \d{1,18}| \d{1,18} \d{1,18} \d{1,18} \d{1,18} \d{1,18})$/;

/** A place in a log. */
interface Position {
  /** The time at which the server was started. Another server, such as a restored one, has other numbers. */
  readonly server: bigint;
  /** The rows up to this transaction were returned, and no other row of them can become visible. */
  readonly settled: bigint;
  /** If there was no room for all rows: the rest of this pass. */
  readonly pass?: Pass;
}

interface Pass {
  /** The oldest transaction that had not ended when the first page was read. */
  readonly unended: bigint;
  /** Rows that were written before this time are settled. */
  readonly oldMs: bigint;
  /** The last row that was returned. */
  readonly transaction: bigint;
  readonly id: bigint;
}

export class PostgresEvidence implements Evidence {
  readonly #shown: string;
  readonly #session: RestingSession;

  constructor(options: PostgresOptions, timers: Timers = SYSTEM_TIMERS) {
    this.#shown = options.address.shown;
    this.#session = new RestingSession(engineOf(options), timers);
  }

  async append(log: EvidenceLog, batches: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#ask(APPEND, [log.application, log.key, batches], signal);
  }

  async read(log: EvidenceLog, cursor: string | undefined, signal: AbortSignal): Promise<EvidenceNews> {
    const position = positionOf(cursor);
    const rows = await this.#page(log, position, signal);
    const [first] = rows;
    if (position === undefined || numberOf(first, "server") === position.server) {
      return newsOf(rows, position);
    }
    return newsOf(await this.#page(log, undefined, signal), undefined);
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  #page(
    { application, key }: EvidenceLog,
    position: Position | undefined,
    signal: AbortSignal,
  ): Promise<readonly Row[]> {
    const { settled = 0n, pass } = position ?? {};
    // All rows have a number above 0.
    const [transaction, id] = pass === undefined ? [settled + 1n, 0n] : [pass.transaction, pass.id];
    return this.#ask(READ, [application, key, String(transaction), String(id)], signal);
  }

  #ask(text: string, values: readonly unknown[], signal: AbortSignal): Promise<readonly Row[]> {
    return this.#session.run(signal, async (ask) => {
      try {
        return await ask(text, values);
      } catch (error) {
        throw evidenceFault(this.#shown, error);
      }
    });
  }
}

/** The news of a page that was read from `position`. */
function newsOf(rows: readonly Row[], position: Position | undefined): EvidenceNews {
  const [first] = rows;
  const found = rows.filter(({ id }) => id !== null);
  const batches = found.map(({ batch }) => String(batch));
  const server = numberOf(first, "server");
  const unended = position?.pass?.unended ?? numberOf(first, "unended");
  const oldMs = position?.pass?.oldMs ?? numberOf(first, "now_ms") - BigInt(SETTLED_MS);
  let settled = position?.settled ?? 0n;
  for (const row of found) {
    const transaction = numberOf(row, "transaction");
    if (transaction < unended || numberOf(row, "written_ms") < oldMs) settled = transaction;
  }
  const bytes = batches.reduce((sum, batch) => sum + Buffer.byteLength(batch), 0);
  const last = found.at(-1);
  if (last === undefined || (found.length < PAGE_ROWS && bytes < EVIDENCE_READ_BYTES_MAX)) {
    return { batches, cursor: `${server} ${settled}`, hasMore: false };
  }
  const pass = [unended, oldMs, numberOf(last, "transaction"), numberOf(last, "id")];
  return { batches, cursor: [server, settled, ...pass].join(" "), hasMore: true };
}

/** Undefined if the text is not of `newsOf`. */
function positionOf(cursor: string | undefined): Position | undefined {
  if (cursor === undefined || !CURSOR.test(cursor)) return undefined;
  const [server = 0n, settled = 0n, unended, oldMs, transaction, id] = cursor.split(" ").map(BigInt);
  if (unended === undefined || oldMs === undefined || transaction === undefined || id === undefined) {
    return { server, settled };
  }
  return { server, settled, pass: { unended, oldMs, transaction, id } };
}

/** @throws {StoreError} if the table has other columns than this program makes */
function numberOf(row: Row | undefined, column: string): bigint {
  const text = row?.[column];
  if (typeof text === "string" && /^-?\d{1,19}$/.test(text)) return BigInt(text);
  const remedy = "rename it, and make a new one with init-store";
  throw new StoreError("malformed", `maxwells_daemon_evidence has no number in ${column}; ${remedy}`);
}
