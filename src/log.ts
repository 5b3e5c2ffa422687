/**
 * The log: one line an event, to stderr and to a file.
 *
 * Nothing waits for it (law 6): lines go to a sink that queues a bounded number of bytes and drops what is over,
 * counting it. The same complaint is written at most once in `REPEAT_MS`, with the count of what was held back.
 */

import { oneLine } from "./text.ts";

export type Level = "debug" | "info" | "warn" | "error";

/** Whatever explains an event: `application`, `store`, `path`, … Never a secret. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  info(message: string, fields?: Fields): void;
  /** Something is wrong and the daemon copes. */
  warn(message: string, fields?: Fields): void;
  /** Something is wrong and an operator has to act. */
  error(message: string, fields?: Fields): void;
}

export type LogFormat = "text" | "json";

/** Takes finished lines, newline included, and returns at once. */
export interface LogSink {
  /** @param lostLine how this log says that a sink lost lines; ends in a newline too */
  write(line: string, lostLine: (count: number) => string): void;
}

/** For how long a repeated complaint is held back. */
export const REPEAT_MS = 10_000;

/** Different complaints that are told apart within `REPEAT_MS`; those past it are held back together. */
const COMPLAINTS_MAX = 256;

/** Two complaints whose explanations begin alike for so long are one. */
const EXPLANATION_LENGTH_MAX = 200;

interface Complaint {
  level: Level;
  message: string;
  heldBack: number;
  fields: Fields;
  lastAt: Date;
}

export interface LogOptions {
  readonly format: LogFormat;
  readonly sinks: readonly LogSink[];
  readonly now?: () => Date;
}

/** A log over `sinks`, with `flush` to be called before the process ends. */
export function createLog(options: LogOptions): Log & { flush(): void } {
  const now = options.now ?? (() => new Date());
  const format = options.format === "json" ? jsonLine : textLine;
  const complaints = new Map<string, Complaint>();

  function write(level: Level, message: string, fields: Fields) {
    const line = format(now(), level, message, fields);
    for (const sink of options.sinks) sink.write(line, lostLine);
  }

  function lostLine(count: number) {
    return format(now(), "warn", "lines of the log were lost: they could not be written", { lines: count });
  }

  /** Writes what was held back; false where that was nothing. */
  function report(complaint: Complaint): boolean {
    if (complaint.heldBack === 0) return false;
    write(complaint.level, complaint.message, {
      ...complaint.fields,
      repeated: complaint.heldBack,
      last: complaint.lastAt.toISOString(),
    });
    complaint.heldBack = 0;
    return true;
  }

  /** A report is the complaint once more, so the next one is held back for as long again. */
  function holdBack(name: string, complaint: Complaint) {
    setTimeout(() => {
      if (complaints.get(name) !== complaint) return;
      if (report(complaint)) holdBack(name, complaint);
      else complaints.delete(name);
    }, REPEAT_MS).unref();
  }

  function complain(level: Level, message: string, fields: Fields) {
    const wanted = nameOf(level, message, fields);
    const name = complaints.has(wanted) || complaints.size < COMPLAINTS_MAX ? wanted : OTHERS;
    const known = complaints.get(name);
    if (known !== undefined) {
      known.heldBack++;
      known.level = level;
      known.message = message;
      known.fields = fields;
      known.lastAt = now();
      return;
    }
    write(level, message, fields);
    const complaint = { level, message, heldBack: 0, fields, lastAt: now() };
    complaints.set(name, complaint);
    holdBack(name, complaint);
  }

  return {
    info: (message, fields = {}) => write("info", message, fields),
    warn: (message, fields = {}) => complain("warn", message, fields),
    error: (message, fields = {}) => complain("error", message, fields),
    flush() {
      for (const complaint of complaints.values()) report(complaint);
      complaints.clear();
    },
  };
}

/** All complaints past `COMPLAINTS_MAX`. */
const OTHERS = "";

/** What makes a complaint the same as another: an error with another text is another complaint. */
function nameOf(level: Level, message: string, fields: Fields): string {
  const explanation = String(fields["error"] ?? fields["problem"] ?? "").slice(0, EXPLANATION_LENGTH_MAX);
  return [level, fields["server"], fields["application"], fields["version"], message, explanation].join("\n");
}

/** A log that keeps nothing, for programs that put the parts together without one. */
export const silentLog: Log = { info() {}, warn() {}, error() {} };

function jsonLine(time: Date, level: Level, message: string, fields: Fields): string {
  return `${oneLine(JSON.stringify({ time: time.toISOString(), level, message, ...fields }))}\n`;
}

function textLine(time: Date, level: Level, message: string, fields: Fields): string {
  let line = `${time.toISOString()} ${level.padEnd(5)} ${oneLine(message)}`;
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${name}=${plain(value)}`;
  }
  return `${line}\n`;
}

/** A value of a field, quoted where it would not read back as one word. */
function plain(value: string | number | boolean): string {
  const text = String(value);
  return /^[^\s"=]+$/u.test(text) && oneLine(text) === text ? text : oneLine(JSON.stringify(text));
}
