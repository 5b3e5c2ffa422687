/**
 * Reads the records of many applications in two steps. The first statement returns the size of each
 * application and a sum over its records. Only records of applications with another sum than at the last read
 * are read then, because the server takes long to give out long texts. Answers have a limited size, because
 * visitors would wait for more.
 *
 * Most releases are over, and their log and their arcs are most of their length. The daemon does not act upon
 * these two, so the server leaves them out.
 */

import { KnownSnapshots } from "../sql/known.ts";
import { ANSWER_BYTES, APPLICATIONS_AT_ONCE, SHORT_BYTES } from "../sql/many.ts";
import { type Row, SNAPSHOT_BYTES_MAX, tooLong } from "../sql/rows.ts";
import type { Ask } from "../sql/session.ts";
import type { Snapshot, Snapshots, StoreError } from "../store.ts";
import { SIZE } from "./records.ts";

/** A prepared statement has a fixed number of names. Each number here is one more statement in the server. */
const NAMES = [8, 64, APPLICATIONS_AT_ONCE];

/**
 * Half of a digest of each record, combined. Another count alone gives another sum. After a fail-over to an
 * older state, the same count comes again with another text.
 */
const sumsOf = (names: number) => `
  SELECT application, SUM(${SIZE}) AS size, COUNT(*) AS records, MAX(revision) AS newest,
    CONCAT_WS(' ', COUNT(*), MAX(revision), BIT_XOR(CAST(CONV(LEFT(
      MD5(CONCAT_WS('|', version, revision, COALESCE(rollout, ''), COALESCE(fields, ''))),
      16), 16, 10) AS UNSIGNED))) AS sum
  FROM maxwells_daemon WHERE application IN (${placesFor(names)})
  GROUP BY application`;

/** In a column of text that is not JSON, each of these functions gives NULL, and the text stays. */
const SLIM = `
  CASE WHEN OCTET_LENGTH(fields) > ${SHORT_BYTES}
      AND JSON_VALUE(fields, '$.release.state') IN ('aborted', 'finished')
      AND COALESCE(JSON_TYPE(JSON_EXTRACT(fields, '$.release.fade')), 'NULL') = 'NULL'
    THEN JSON_REMOVE(fields, '$.release.log', '$.release.arcs')
    ELSE fields
  END AS fields`;

const recordsOf = (names: number) => `
  SELECT application, version, rollout, revision, ${SLIM}
  FROM maxwells_daemon WHERE application IN (${placesFor(names)}) ORDER BY application, version`;

/** One application that may have too much, even without the logs. Then it is one row without fields. */
const LONG_RECORDS = `
  SELECT application, version, rollout, revision, IF(bytes > ${SNAPSHOT_BYTES_MAX}, NULL, fields) AS fields, bytes
  FROM (
    SELECT records.*, SUM(${SIZE}) OVER () AS bytes, ROW_NUMBER() OVER (ORDER BY version) AS place
    FROM (
      SELECT application, version, rollout, revision, ${SLIM} FROM maxwells_daemon WHERE application = ?
    ) AS records
  ) AS sized
  WHERE bytes <= ${SNAPSHOT_BYTES_MAX} OR place = 1 ORDER BY version`;

const SUMS = NAMES.map((names) => ({ names, text: sumsOf(names) }));
const RECORDS = NAMES.map((names) => ({ names, text: recordsOf(names) }));

type Run = <T>(use: (ask: Ask) => Promise<T>) => Promise<T>;
type Answer = Snapshot | StoreError;

/** The answer of the first step for an application. */
interface Summed {
  readonly application: string;
  readonly size: number;
  readonly records: number;
  /** The highest count of its records. */
  readonly newest: number;
  readonly sum: string;
}

const NOTHING: Omit<Summed, "application"> = { size: 0, records: 0, newest: 0, sum: "" };

export class MariadbMany {
  readonly #known = new KnownSnapshots();
  /** The answer for an application that still has this sum. */
  readonly #answers = new Map<string, { readonly sum: string; readonly answer: Answer }>();

  /** @param run runs one statement when it is its turn */
  async read(applications: readonly string[], run: Run): Promise<Snapshots> {
    const answers = new Map<string, Answer>();
    for (let at = 0; at < applications.length; at += APPLICATIONS_AT_ONCE) {
      const some = applications.slice(at, at + APPLICATIONS_AT_ONCE);
      const rows = await run((ask) => askFor(ask, SUMS, some));
      const sums = new Map(rows.map((row) => [String(row["application"]), row]));
      const changed: Summed[] = [];
      for (const application of some) {
        const summed = summedOf(application, sums.get(application));
        const kept = this.#answers.get(application);
        if (summed.records === 0) answers.set(application, this.#keep(summed, []));
        else if (kept?.sum === summed.sum) answers.set(application, kept.answer);
        else changed.push(summed);
      }
      for (const group of groupsOf(changed)) await this.#readInto(answers, group, run);
    }
    return answers;
  }

  async #readInto(answers: Map<string, Answer>, group: readonly Summed[], run: Run): Promise<void> {
    const names = group.map(({ application }) => application);
    const isLong = group.some(({ size }) => size > ANSWER_BYTES);
    const rows = await run((ask) => (isLong ? ask(LONG_RECORDS, names) : askFor(ask, RECORDS, names)));
    const byApplication = Map.groupBy(rows, (row) => String(row["application"]));
    for (const summed of group) {
      const { application } = summed;
      answers.set(application, this.#keep(summed, byApplication.get(application) ?? []));
    }
  }

  #keep(summed: Summed, rows: readonly Row[]): Answer {
    const { application, sum } = summed;
    const isTooLong = bytesOf(rows) > SNAPSHOT_BYTES_MAX;
    const answer = isTooLong ? tooLong(application, SNAPSHOT_BYTES_MAX) : this.#known.of(application, rows);
    // If there was a write between the two steps, the sum is not that of these rows.
    if (isTooLong || isOf(summed, rows)) this.#answers.set(application, { sum, answer });
    else this.#answers.delete(application);
    return answer;
  }
}

function summedOf(application: string, row: Row | undefined): Summed {
  if (row === undefined) return { application, ...NOTHING };
  const { size, records, newest, sum } = row;
  return {
    application,
    size: Number(size),
    records: Number(records),
    newest: Number(newest),
    sum: String(sum),
  };
}

/** Each write raises the count, and a removal leaves fewer records. */
function isOf({ records, newest }: Summed, rows: readonly Row[]): boolean {
  const highest = rows.reduce((most, { revision }) => Math.max(most, Number(revision)), 0);
  return rows.length === records && highest === newest;
}

/** The bytes that the server says, or else those that came: a record may have grown between the two steps. */
function bytesOf(rows: readonly Row[]): number {
  const said = rows[0]?.["bytes"];
  if (said !== undefined) return Number(said);
  return rows.reduce((sum, { fields }) => sum + Buffer.byteLength(String(fields ?? "")), 0);
}

/** Groups with at most `ANSWER_BYTES` together. An application with more is alone. */
function groupsOf(changed: readonly Summed[]): Summed[][] {
  const groups: Summed[][] = [];
  let room = 0;
  for (const one of changed) {
    if (one.size > room) {
      groups.push([]);
      room = ANSWER_BYTES;
    }
    groups.at(-1)?.push(one);
    room -= one.size;
  }
  return groups;
}

function askFor(ask: Ask, statements: typeof SUMS, applications: readonly string[]): Promise<readonly Row[]> {
  const { names = 0, text = "" } = statements.find((each) => each.names >= applications.length) ?? {};
  // A name that comes again changes nothing.
  const others = Array<string>(Math.max(0, names - applications.length)).fill(applications[0] ?? "");
  return ask(text, [...applications, ...others]);
}

function placesFor(names: number): string {
  return Array(names).fill("?").join(", ");
}
