/** Writes an outcome as a line of the line protocol (docs/protocol/outcomes.md). Pure. */

import { isAssignment, isLocation } from "./codec.ts";

/** The outcome of a visitor's request: what the application knows of it. */
export interface Report {
  /** The assignment of the decision. */
  readonly assignment: string;
  /** The version that served: the location of the decision, or `master` if the application fell back. */
  readonly location: string;
  /** The status of the answer; undefined if the visitor left before its end. */
  readonly status: number | undefined;
  /** An application that the daemon serves; the daemon's first one by default. */
  readonly application?: string | undefined;
  /** From the request to the end of the answer. */
  readonly durationMs?: number | undefined;
  /** From the request to the first byte of the answer. */
  readonly firstByteMs?: number | undefined;
  /** The visitor came with this assignment or with a key. */
  readonly isBrought?: boolean | undefined;
  /** The location was forced. */
  readonly isForced?: boolean | undefined;
  /** The visitor's IP address. */
  readonly source?: string | undefined;
  /** Names of bad events of this request, such as `cart.lost`. */
  readonly events?: readonly string[] | undefined;
}

/** The daemon reads no longer line. */
const LINE_LENGTH_MAX = 2_048;

/** Visible characters and spaces. A line break would begin another question. */
const NAME = /^[^\p{Cc}]{1,128}$/u;
const EVENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const SOURCE = /^[0-9A-Fa-f:.]{2,45}$/;

/**
 * The line of a report, with its LF. Undefined if the report has no valid assignment or location, or a name
 * that cannot be sent. Throws only if a getter of the report throws.
 */
export function reportLine(report: Report): string | undefined {
  const { assignment, location, status, application = "-", source, events = [] } = report;
  if (typeof assignment !== "string" || !isAssignment(assignment) || !isLocation(location)) return undefined;
  if (typeof application !== "string" || !NAME.test(application)) return undefined;
  const words = [
    "?outcome",
    /[ "\\]/.test(application) ? `"${application.replace(/["\\]/g, "\\$&")}"` : application,
    location,
    assignment,
    status === undefined ? "-" : String(Math.trunc(status)),
    seconds(report.durationMs),
    report.isBrought === undefined ? "-" : String(Number(report.isBrought)),
  ];
  if (report.firstByteMs !== undefined) words.push(`first=${seconds(report.firstByteMs)}`);
  if (report.isForced === true) words.push("forced=1");
  if (typeof source === "string" && SOURCE.test(source)) words.push(`source=${source}`);
  for (const event of events) if (EVENT.test(event)) words.push(`event=${event}`);
  const line = `${words.join(" ")}\n`;
  return line.length <= LINE_LENGTH_MAX ? line : undefined;
}

function seconds(ms: number | undefined): string {
  return ms === undefined || !(ms >= 0 && ms < 1e12) ? "-" : (ms / 1_000).toFixed(6);
}
