/**
 * The hours in which a release may go forward: `mon-thu 09:00-16:00 Europe/Berlin`. Pure.
 *
 *     window = days " " from "-" to " " zone          mon-thu · mon,wed · fri-mon · mon-thu,sat
 *
 * A window is open while a clock on the wall of its zone shows a time in it. So it follows summer and winter
 * time: an hour that the clock leaves out never opens a window, and an hour that it shows twice opens it
 * twice. A window over midnight, such as 22:00-02:00, belongs to the day on which it begins.
 */

import { Problem } from "../config/option.ts";
import { nearest } from "../text/nearest.ts";
import { quote } from "../text/quote.ts";
import { wallClock } from "./wall-clock.ts";

/** The form of a window, for programs that only look at it. `parseWindow` knows the days and the zones. */
export const WINDOW_PATTERN = String.raw`^\s*[A-Za-z,-]+\s+\d{1,2}:\d{2}-\d{1,2}:\d{2}\s+[A-Za-z]\S*\s*$`;

const DAY_NAMES = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** 1 January 1970, the day 0, was a Thursday. */
const FIRST_DAY = 4;

/** A zone changes its clock a few times a year, so the walk to the next opening is over much earlier. */
const CHANGES_MAX = 64;

const FORM = "such as mon-thu 09:00-16:00 Europe/Berlin";

export interface Window {
  /** The text that was read. */
  readonly text: string;
  /** Days of the week on which it opens, ascending; 0 is Sunday. */
  readonly days: readonly number[];
  /** Minutes from midnight. It is over midnight if `toMinute` is less than `fromMinute`. */
  readonly fromMinute: number;
  /** At most 1440, and never the same as `fromMinute`. At this minute the window is closed. */
  readonly toMinute: number;
  /** A zone of the IANA database. */
  readonly zone: string;
}

/** Reads one window. */
export function parseWindow(text: string): Window | Problem {
  const words = text.trim().split(/\s+/);
  const [dayWord = "", hours = "", zone = ""] = words;
  if (words.length !== 3) return new Problem(`write days, hours and a zone, ${FORM}`);
  const days = parseDays(dayWord.toLowerCase());
  if (days instanceof Problem) return days;
  const [, from = "", to = ""] = /^(\d{1,2}:\d{2})-(\d{1,2}:\d{2})$/.exec(hours) ?? [];
  const fromMinute = minuteOf(from);
  const toMinute = minuteOf(to);
  if (fromMinute === undefined || fromMinute === 1440 || toMinute === undefined) {
    return new Problem(`${quote(hours)}: write hours from 00:00 to 24:00, ${FORM}`);
  }
  if (fromMinute === toMinute) {
    return new Problem(`${quote(hours)}: this window is never open; write 00:00-24:00 for the whole day`);
  }
  const problem = problemOfZone(zone);
  return problem ?? { text: words.join(" "), days, fromMinute, toMinute, zone };
}

/** Whether the window is open at a moment, in milliseconds since 1970. */
export function isOpen(window: Window, epochMs: number): boolean {
  return isOpenAt(window, wallClock(window.zone)(epochMs));
}

/**
 * The first moment from `epochMs` on at which one of the windows is open, in milliseconds since 1970. Without
 * windows it is `epochMs`. Infinity if none ever opens, because its hour is always left out by the clock.
 */
export function nextOpening(windows: readonly Window[], epochMs: number): number {
  if (windows.length === 0) return epochMs;
  return Math.min(...windows.map((window) => openingOf(window, epochMs)));
}

/**
 * From here to the next opening on the wall, or to the change of the clock if that is earlier: there it looks
 * again.
 */
function openingOf(window: Window, epochMs: number): number {
  const wall = wallClock(window.zone);
  let now = epochMs;
  for (let changes = 0; changes < CHANGES_MAX; changes++) {
    const shown = wall(now);
    if (isOpenAt(window, shown)) return now;
    const then = now + waitOnWall(window, shown);
    if (wall(then) - then === shown - now) return then;
    now = changeBetween(wall, now, then);
  }
  return Infinity;
}

function isOpenAt({ days, fromMinute, toMinute }: Window, wallMs: number): boolean {
  const today = Math.floor(wallMs / DAY_MS);
  const minute = (wallMs - today * DAY_MS) / MINUTE_MS;
  const isDay = (day: number) => days.includes(weekdayOf(day));
  if (fromMinute < toMinute) return isDay(today) && minute >= fromMinute && minute < toMinute;
  return (isDay(today) && minute >= fromMinute) || (isDay(today - 1) && minute < toMinute);
}

/** The time to the next opening in milliseconds, if the clock on the wall does not change; above 0. */
function waitOnWall({ days, fromMinute }: Window, wallMs: number): number {
  const today = Math.floor(wallMs / DAY_MS);
  for (let day = today; day <= today + 7; day++) {
    const opening = day * DAY_MS + fromMinute * MINUTE_MS;
    if (opening > wallMs && days.includes(weekdayOf(day))) return opening - wallMs;
  }
  throw new TypeError("a window has a day");
}

/** The first whole second after `from` at which the clock has another offset, up to `to`. */
function changeBetween(wall: (epochMs: number) => number, from: number, to: number): number {
  const offset = wall(from) - from;
  let before = Math.floor(from / 1000);
  let after = Math.ceil(to / 1000);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    const isSame = middle * 1000 <= from || wall(middle * 1000) - middle * 1000 === offset;
    if (isSame) before = middle;
    else after = middle;
  }
  return after * 1000;
}

function weekdayOf(day: number): number {
  return (((day + FIRST_DAY) % 7) + 7) % 7;
}

function parseDays(text: string): number[] | Problem {
  const found = new Set<number>();
  for (const part of text.split(",")) {
    const [first = "", last = first, ...more] = part.split("-");
    const from = dayOf(first);
    const to = dayOf(last);
    if (from instanceof Problem) return from;
    if (to instanceof Problem) return to;
    if (more.length > 0) return new Problem(`${quote(part)}: write two days, such as mon-thu`);
    for (let day = from; ; day = (day + 1) % 7) {
      found.add(day);
      if (day === to) break;
    }
  }
  return [...found].sort((a, b) => a - b);
}

function dayOf(text: string): number | Problem {
  const day = DAY_NAMES.indexOf(text);
  return day >= 0
    ? day
    : new Problem(`${quote(text)} is not a day; write mon, tue, wed, thu, fri, sat or sun, ${FORM}`);
}

function minuteOf(text: string): number | undefined {
  const [hour = Number.NaN, minute = Number.NaN] = text.split(":").map(Number);
  return minute < 60 && hour * 60 + minute <= 1440 ? hour * 60 + minute : undefined;
}

function problemOfZone(zone: string): Problem | undefined {
  try {
    if (!/^[A-Za-z]/.test(zone)) throw new RangeError("an offset such as +01:00 knows no summer time");
    wallClock(zone);
    return undefined;
  } catch {
    const meant = nearest(zone, ["UTC", ...Intl.supportedValuesOf("timeZone")]);
    return new Problem(`${quote(zone)} is not a zone; write one such as Europe/Berlin or UTC${meant}`);
  }
}
