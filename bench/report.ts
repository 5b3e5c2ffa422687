/**
 * The report of a benchmark: rows of a table, each with its figure, its bound, and whether it keeps the
 * bound.
 *
 * Machines are shared and noisy, so a rate is only compared with the yardstick's rate in the same run, by
 * medians.
 */

/** The marks at the beginning and the end of the table in bench/README.md. */
const MARKERS = ["<!-- bench -->", "<!-- /bench -->"] as const;

const COLUMNS = ["what", "figure", "bound", ""] as const;

/** `–`: the row has no bound and is for information. */
export type Verdict = "ok" | "MISSED" | "not measured" | "–";

export interface Row {
  readonly what: string;
  readonly figure: string;
  /** Empty if the row has no bound. */
  readonly bound: string;
  readonly verdict: Verdict;
}

/** The middle value, or the mean of the middle two; NaN if there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}

/**
 * A rate as a share of its yardstick's rate.
 *
 * @param rates requests a second, of each turn
 * @param yardstick the yardstick's requests a second, turn by turn
 * @param atLeast the smallest ratio of medians that is good; undefined if there is no bound
 * @param show writes a rate, and `unit` follows it
 */
export function ratioRow(
  what: string,
  rates: readonly number[],
  yardstick: readonly number[],
  atLeast?: number,
  show: (value: number) => string = thousands,
  unit = " a second",
): Row {
  const ratio = median(rates) / median(yardstick);
  const turns = rates.map((rate, turn) => rate / (yardstick[turn] ?? Number.NaN));
  const spread = `${Math.min(...turns).toFixed(2)}–${Math.max(...turns).toFixed(2)}`;
  return {
    what,
    // Three digits: 0.7496 is less than 0.75, and must look less.
    figure: `${ratio.toFixed(3)} (${show(median(rates))} of ${show(median(yardstick))}${unit}; turns ${spread})`,
    bound: atLeast === undefined ? "" : `≥ ${atLeast}`,
    verdict: atLeast === undefined ? "–" : ratio >= atLeast ? "ok" : "MISSED",
  };
}

/**
 * A rate as a share of another revision's rate. It is good if at least one turn was as fast: then the
 * revisions differ by no more than their turns do.
 *
 * @param rates requests a second, of each turn
 * @param before the other revision's requests a second, turn by turn
 */
export function revisionRow(
  what: string,
  rates: readonly number[],
  before: readonly number[],
  show?: (value: number) => string,
  unit?: string,
): Row {
  const fastest = Math.max(...rates.map((rate, turn) => rate / (before[turn] ?? Number.NaN)));
  return {
    ...ratioRow(what, rates, before, undefined, show, unit),
    bound: "a turn ≥ 1",
    verdict: fastest >= 1 ? "ok" : "MISSED",
  };
}

/**
 * A figure that must not be too large.
 *
 * @param unit of `value` and `atMost`
 * @param details shown in brackets
 */
export function limitRow(what: string, value: number, unit: string, details: string, atMost?: number): Row {
  return {
    what,
    figure: `${value.toFixed(1)} ${unit} (${details})`,
    bound: atMost === undefined ? "" : `≤ ${atMost} ${unit}`,
    verdict: atMost === undefined ? "–" : value <= atMost ? "ok" : "MISSED",
  };
}

/** A row that could not be measured. It has not kept its bound either. */
export function notMeasuredRow(what: string, reason: string): Row {
  return { what, figure: reason, bound: "", verdict: "not measured" };
}

export function isGood(row: Row): boolean {
  return row.verdict === "ok" || row.verdict === "–";
}

/** The rows as a table in Markdown that is readable as plain text, too. */
export function table(rows: readonly Row[]): string {
  const cells = [COLUMNS, ...rows.map((row) => [row.what, row.figure, row.bound, row.verdict] as const)];
  const widths = COLUMNS.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
  const rule = widths.map((width) => "-".repeat(width));
  return [lines[0] ?? [], rule, ...lines.slice(1)].map((line) => `| ${line.join(" | ")} |`).join("\n");
}

/** `page` with a new table between its markers. Throws if the page does not have exactly one pair of them. */
export function withTable(page: string, text: string): string {
  const [before, rest, ...moreBegins] = page.split(MARKERS[0]);
  const [, after, ...moreEnds] = rest?.split(MARKERS[1]) ?? [];
  if (before === undefined || after === undefined || moreBegins.length > 0 || moreEnds.length > 0) {
    throw new Error(`the page needs ${MARKERS[0]} once, and ${MARKERS[1]} once after it`);
  }
  return `${before}${MARKERS[0]}\n\n${text}\n\n${MARKERS[1]}${after}`;
}

/** The number 93400 as `93 400`. */
export function thousands(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, " ");
}
