/**
 * The log: one line an event, to stderr and to a file.
 *
 * Nothing waits for it (law 6): lines go to a sink that queues a bounded number of bytes and drops what is over,
 * counting it.
 *
 * The same complaint is written at once, and then with the count of what was held back: after `REPEAT_MS`, after twice that
 * time, and so on up to once in `REPEAT_MS_MAX`, so a trouble that lasts for days does not fill a disk. After a silence it
 * is news again.
 */

import { oneLine } from "../text.ts";

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
  /** Whether systemd's journal reads it: that keeps the time itself, and takes the level from a number in front. */
  readonly isJournal?: boolean;
  /** @param lostLine how this log says that a sink lost lines; ends in a newline too */
  write(line: string, lostLine: (count: number) => string): void;
}

/** For how long a repeated complaint is held back at first. */
export const REPEAT_MS = 10_000;

/** The longest time for which a complaint that goes on is held back: the log has it at least this often. */
export const REPEAT_MS_MAX = 3_600_000;

/** A complaint that was not heard of for so long is written at once again. */
export const SILENCE_MS = 60_000;

/** The levels as syslog numbers them (sd-daemon(3)). */
const PRIORITIES: Readonly<Record<Level, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

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
  /** Ends its timer, so that the next one like it is news. */
  forget: () => void;
}

export interface LogOptions {
  readonly format: LogFormat;
  readonly sinks: readonly LogSink[];
  readonly now?: () => Date;
}

/** A log over `sinks`, with `flush` to be called before the process ends. */
export function createLog(options: LogOptions): Log & { flush(): void } {
  const now = options.now ?? (() => new Date());
  const write = writerOf(options, now);
  const complaints = new Complaints(write, now);
  return {
    info: (message, fields = {}) => write("info", message, fields),
    warn: (message, fields = {}) => complaints.add("warn", message, fields),
    error: (message, fields = {}) => complaints.add("error", message, fields),
    flush: () => complaints.flush(),
  };
}

type Write = (level: Level, message: string, fields: Fields) => void;

/** Writes a line to each sink, in the form that the sink has. */
function writerOf(options: LogOptions, now: () => Date): Write {
  const format = options.format === "json" ? jsonLine : textLine;

  function lineFor(isJournal: boolean, time: Date, level: Level, message: string, fields: Fields) {
    return isJournal
      ? `<${PRIORITIES[level]}>${format("", level, message, fields)}`
      : format(time.toISOString(), level, message, fields);
  }

  const lostLine = (count: number) => lineFor(false, now(), "warn", LOST, { lines: count });
  const lostInJournal = (count: number) => lineFor(true, now(), "warn", LOST, { lines: count });

  return (level, message, fields) => {
    const time = now();
    for (const sink of options.sinks) {
      const isJournal = sink.isJournal === true;
      sink.write(lineFor(isJournal, time, level, message, fields), isJournal ? lostInJournal : lostLine);
    }
  };
}

/** Complaints that repeat: the first one is written at once, and the others are held back and counted. */
class Complaints {
  readonly #write: Write;
  readonly #now: () => Date;
  readonly #byName = new Map<string, Complaint>();

  constructor(write: Write, now: () => Date) {
    this.#write = write;
    this.#now = now;
  }

  add(level: Level, message: string, fields: Fields): void {
    const wanted = nameOf(level, message, fields);
    const name = this.#byName.has(wanted) || this.#byName.size < COMPLAINTS_MAX ? wanted : OTHERS;
    const known = this.#byName.get(name);
    if (known !== undefined && this.#isNews(known)) {
      this.#report(known);
      known.forget();
    } else if (known !== undefined) {
      known.heldBack++;
      known.level = level;
      known.message = message;
      known.fields = fields;
      known.lastAt = this.#now();
      return;
    }
    this.#write(level, message, fields);
    const complaint = { level, message, heldBack: 0, fields, lastAt: this.#now(), forget() {} };
    this.#byName.set(name, complaint);
    this.#holdBack(name, complaint);
  }

  /** Writes all that was held back. */
  flush(): void {
    for (const complaint of this.#byName.values()) {
      this.#report(complaint);
      complaint.forget();
    }
  }

  /** Writes what was held back; false if that was nothing. */
  #report(complaint: Complaint): boolean {
    if (complaint.heldBack === 0) return false;
    this.#write(complaint.level, complaint.message, {
      ...complaint.fields,
      repeated: complaint.heldBack,
      last: complaint.lastAt.toISOString(),
    });
    complaint.heldBack = 0;
    return true;
  }

  /** A report is the complaint once more, so the next one is held back, for twice as long. */
  #holdBack(name: string, complaint: Complaint, waitMs = REPEAT_MS): void {
    const timer = setTimeout(() => {
      if (this.#report(complaint)) this.#holdBack(name, complaint, Math.min(2 * waitMs, REPEAT_MS_MAX));
      else this.#byName.delete(name);
    }, waitMs).unref();
    complaint.forget = () => {
      clearTimeout(timer);
      this.#byName.delete(name);
    };
  }

  /** Whether the complaint was not heard of for so long that it is news. */
  #isNews({ lastAt }: Complaint): boolean {
    return this.#now().getTime() - lastAt.getTime() >= SILENCE_MS;
  }
}

const LOST = "lines of the log were lost: they could not be written";

/** All complaints past `COMPLAINTS_MAX`. */
const OTHERS = "";

/** What makes a complaint the same as another: an error with another text is another complaint. */
function nameOf(level: Level, message: string, fields: Fields): string {
  const explanation = String(fields["error"] ?? fields["problem"] ?? "").slice(0, EXPLANATION_LENGTH_MAX);
  return [level, fields["server"], fields["application"], fields["version"], message, explanation].join("\n");
}

/** A log that keeps nothing, for programs that put the parts together without one. */
export const silentLog: Log = { info() {}, warn() {}, error() {} };

/** @param time as the line shows it; empty if it does not */
function jsonLine(time: string, level: Level, message: string, fields: Fields): string {
  const head = time === "" ? { level, message } : { time, level, message };
  return `${oneLine(JSON.stringify({ ...head, ...fields }))}\n`;
}

/** @param time as the line shows it; empty if it does not */
function textLine(time: string, level: Level, message: string, fields: Fields): string {
  let line = `${time === "" ? "" : `${time} `}${level.padEnd(5)} ${oneLine(message)}`;
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
