/**
 * The log: one line for each event, to stderr and to a file.
 *
 * Nothing waits for it (law 6). Lines go to a sink that queues a limited number of characters. When the queue
 * is full, it drops lines and counts them.
 *
 * A warning or error that repeats is written at once the first time. Its repetitions are counted, and the
 * count is written after `REPEAT_MS`, after twice that time, and so on up to once in `REPEAT_MS_MAX`. So a
 * fault that lasts for days does not fill a disk. After a silence, which is `SILENCE_MS` at most, the next
 * one is written at once again.
 *
 * A line such as "the store answers again" ends complaints. Their counts are written just before it.
 * Otherwise a count would follow later, and would say what does not hold any more.
 */

import { oneLine } from "../text/one-line.ts";

export type Level = "debug" | "info" | "warn" | "error";

/** The details of an event, such as `application`, `store` or `path`. Never a secret. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Whether the complaint with this message and these fields does not hold any more. */
export type Ends = (message: string, fields: Fields) => boolean;

export interface Log {
  /** @param ends the complaints that end with this event */
  info(message: string, fields?: Fields, ends?: Ends): void;
  /** Something is wrong, and the daemon copes with it. */
  warn(message: string, fields?: Fields): void;
  /** Something is wrong, and an operator has to act. */
  error(message: string, fields?: Fields): void;
}

export type LogFormat = "text" | "json";

/** Takes complete lines, each with its newline, and returns at once. */
export interface LogSink {
  /**
   * Whether systemd's journal reads the lines. The journal adds the time itself, and reads the level from a
   * number at the beginning of a line.
   */
  readonly isJournal?: boolean;
  /** @param lostLine makes the line that says how many lines the sink lost; it ends in a newline too */
  write(line: string, lostLine: (count: number) => string): void;
}

/** The repetitions of a complaint are first counted for this long before the log has their count. */
export const REPEAT_MS = 10_000;

/** If a complaint goes on, the log has its count at least this often. */
export const REPEAT_MS_MAX = 3_600_000;

/** If a complaint has not occurred for this long, the next one is written at once again. */
export const SILENCE_MS = 60_000;

/** The numbers of the levels in syslog (sd-daemon(3)). */
const PRIORITIES: Readonly<Record<Level, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

/** This many different complaints are counted separately. Further ones are counted together. */
const COMPLAINTS_MAX = 256;

/** Two complaints are the same if their explanations have the same first characters: this many. */
const EXPLANATION_LENGTH_MAX = 200;

interface Complaint {
  level: Level;
  message: string;
  heldBack: number;
  fields: Fields;
  lastAt: Date;
  /** Ends its timer, so that the next complaint like it is written at once. */
  forget: () => void;
}

export interface LogOptions {
  readonly format: LogFormat;
  readonly sinks: readonly LogSink[];
  readonly now?: () => Date;
}

/** Makes a log that writes to `sinks`. Call `flush` before the process ends. */
export function createLog(options: LogOptions): Log & { flush(): void } {
  const now = options.now ?? (() => new Date());
  const write = writerOf(options, now);
  const complaints = new Complaints(write, now);
  return {
    info(message, fields = {}, ends) {
      if (ends !== undefined) complaints.end(ends);
      write("info", message, fields);
    },
    warn: (message, fields = {}) => complaints.add("warn", message, fields),
    error: (message, fields = {}) => complaints.add("error", message, fields),
    flush: () => complaints.flush(),
  };
}

type Write = (level: Level, message: string, fields: Fields) => void;

/** Writes a line to each sink, in the format of that sink. */
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

/** Complaints that repeat: the first one is written at once, and its repetitions are counted. */
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

  /**
   * Writes the counts of the complaints that do not hold any more. They are still known, so a fault that
   * comes and goes is not written each time.
   */
  end(ends: Ends): void {
    for (const [name, complaint] of this.#byName) {
      // The counts of `OTHERS` belong to several complaints, so no event ends all of them.
      if (name === OTHERS || !ends(complaint.message, complaint.fields)) continue;
      complaint.fields = { ...complaint.fields, now: "this is over" };
      this.#report(complaint);
    }
  }

  /** Writes the counts of all complaints. */
  flush(): void {
    for (const complaint of this.#byName.values()) {
      this.#report(complaint);
      complaint.forget();
    }
  }

  /** Writes the count of a complaint's repetitions; false if there are none. */
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

  /**
   * Counts repetitions for `waitMs`, and writes their count. If there were any, it goes on with twice that
   * time.
   */
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

  /** Whether the complaint has not occurred for `SILENCE_MS`. */
  #isNews({ lastAt }: Complaint): boolean {
    return this.#now().getTime() - lastAt.getTime() >= SILENCE_MS;
  }
}

const LOST = "lines of the log were lost: they could not be written";

/** The name that all complaints beyond `COMPLAINTS_MAX` share. */
const OTHERS = "";

/**
 * Two complaints with the same name are the same. The name includes the text of the error, so another error
 * is another complaint.
 */
function nameOf(level: Level, message: string, fields: Fields): string {
  const explanation = String(fields["error"] ?? fields["problem"] ?? "").slice(0, EXPLANATION_LENGTH_MAX);
  return [level, fields["server"], fields["application"], fields["version"], message, explanation].join("\n");
}

/** A log that drops everything, for programs that use the daemon's parts without a log. */
export const silentLog: Log = { info() {}, warn() {}, error() {} };

/** @param time as the line shows it; empty for a line without a time */
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

/** A value of a field. It is quoted if it would not read back as one word. */
function plain(value: string | number | boolean): string {
  const text = String(value);
  return /^[^\s"=]+$/u.test(text) && oneLine(text) === text ? text : oneLine(JSON.stringify(text));
}
