/** The ways to show a release that is followed: a screen of a terminal, lines of text, lines of JSON. */

import type { Moment } from "../../../evidence/crew.ts";
import type { StoreFlags } from "../../../settings/store-flags.ts";
import { durationText } from "../../../text/amounts.ts";
import { clockText } from "../../../text/clock.ts";
import { oneLine } from "../../../text/one-line.ts";
import type { Timers } from "../../../timers.ts";
import type { Progress } from "../../../verbs/progress.ts";
import { releaseDocument } from "../../../verbs/release-document.ts";
import type { Io } from "../../command.ts";
import { changeLines, isSameSight } from "./changes.ts";
import { type Line, labelled } from "./lines.ts";
import { releaseLines } from "./page.ts";
import { painted } from "./paint.ts";
import { frameText } from "./screen.ts";
import { widthOf } from "./terminal.ts";

/** One release as it is at any moment: its times go on between two looks. */
export interface Shown {
  at(moment: Moment): Progress;
}

/** The store does not answer since then. */
export interface Silence {
  readonly sinceMonotonicMs: number;
}

export interface View {
  /** Shows it as it is now. `silence` is undefined while the store answers. */
  show(shown: Shown, silence: Silence | undefined): void;
  /** Stops drawing. */
  end(): void;
}

export interface ViewParts {
  readonly io: Io;
  /** The clocks of the observer. */
  readonly now: () => Moment;
  readonly timers: Timers;
  readonly storeFlags: StoreFlags;
}

export function viewFor(isJson: boolean, parts: ViewParts): View {
  const { stdout, env } = parts.io;
  if (isJson) return new JsonView(parts);
  return stdout.isTerminal && env["TERM"] !== "dumb" ? new ScreenView(parts) : new LineView(parts);
}

/** The clock ticks each second. */
const TICK_MS = 1_000;

/** A terminal of unknown size is an old one. */
const ROWS = 24;

class ScreenView implements View {
  readonly #parts: ViewParts;
  readonly #endResize: (() => void) | undefined;
  #timer: unknown;
  #last: { readonly shown: Shown; readonly silence: Silence | undefined } | undefined;
  /** The size of the last frame. */
  #size = "";

  constructor(parts: ViewParts) {
    this.#parts = parts;
    this.#endResize = parts.io.onResize?.(() => this.#draw());
  }

  show(shown: Shown, silence: Silence | undefined): void {
    this.#last = { shown, silence };
    this.#draw();
  }

  end(): void {
    this.#parts.timers.clear(this.#timer);
    this.#endResize?.();
  }

  /** Draws the release as it is now, and again a second later. */
  #draw(): void {
    if (this.#last === undefined) return;
    const { io, now, timers, storeFlags } = this.#parts;
    const { shown, silence } = this.#last;
    const moment = now();
    const { columns, rows } = io.stdout.size?.() ?? { columns: 0, rows: ROWS };
    const page = releaseLines(shown.at(moment), widthOf(io.stdout), storeFlags);
    const lines = [...page, ...endLines(silence, moment, widthOf(io.stdout))];
    const painting = lines.map((line) => painted(line, io));
    const size = `${columns} ${rows}`;
    io.stdout.write(frameText(painting, rows, size !== this.#size));
    this.#size = size;
    timers.clear(this.#timer);
    this.#timer = timers.set(() => this.#draw(), TICK_MS);
  }
}

/** Below the page of the release: the store's silence, and the clock. */
function endLines(silence: Silence | undefined, { monotonicMs, nowMs }: Moment, width: number): Line[] {
  const silent = silence === undefined ? [] : [silenceText(silence, monotonicMs)];
  return [
    ...labelled("STORE", silent, width),
    { text: "" },
    ...labelled("now", [`${clockText(nowMs, nowMs)}; Ctrl-C ends this view, and not the release`], width),
  ];
}

function silenceText({ sinceMonotonicMs }: Silence, monotonicMs: number): string {
  const seconds = Math.max(1_000, Math.floor((monotonicMs - sinceMonotonicMs) / 1_000) * 1_000);
  const since = seconds < 60_000 ? `${seconds / 1_000} s` : durationText(seconds);
  return `the store does not answer since ${since}; the release goes on as its record says`;
}

/** One line a change, with its time. */
class LineView implements View {
  readonly #parts: ViewParts;
  #before: Progress | undefined;
  #isSilent = false;

  constructor(parts: ViewParts) {
    this.#parts = parts;
  }

  show(shown: Shown, silence: Silence | undefined): void {
    const moment = this.#parts.now();
    if (silence !== undefined) {
      if (!this.#isSilent) this.#print(moment, silenceText(silence, moment.monotonicMs));
      this.#isSilent = true;
      return;
    }
    if (this.#isSilent) this.#print(moment, "the store answers again");
    this.#isSilent = false;
    const after = shown.at(moment);
    for (const line of changeLines(this.#before, after)) this.#print(moment, line);
    this.#before = after;
  }

  end(): void {}

  #print({ nowMs }: Moment, text: string): void {
    this.#parts.io.stdout.write(`${new Date(nowMs).toISOString().slice(0, 19)}Z ${oneLine(text)}\n`);
  }
}

/** One line of JSON a change, also if the store stops to answer, and if it answers again. */
class JsonView implements View {
  readonly #parts: ViewParts;
  #before: Progress | undefined;
  #wasSilent = false;

  constructor(parts: ViewParts) {
    this.#parts = parts;
  }

  show(shown: Shown, silence: Silence | undefined): void {
    const after = shown.at(this.#parts.now());
    const isSilent = silence !== undefined;
    if (this.#before !== undefined && isSilent === this.#wasSilent && isSameSight(this.#before, after))
      return;
    this.#parts.io.stdout.write(`${oneLine(JSON.stringify({ ...releaseDocument(after), isSilent }))}\n`);
    this.#before = after;
    this.#wasSilent = isSilent;
  }

  end(): void {}
}
