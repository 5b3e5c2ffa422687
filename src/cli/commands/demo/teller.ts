/** The lines that tell the story: each has its time, and is wrapped. */

import { oneLine } from "../../../text/one-line.ts";
import type { Output } from "../../command.ts";
import { wrapped } from "../release/lines.ts";

/** A line is not wider, also on a wide terminal. */
const COLUMNS_MAX = 100;
const COLUMNS_MIN = 60;

const TIME_COLUMNS = 6;

export class Teller {
  readonly #stdout: Output;
  readonly #beganMs = performance.now();

  constructor(stdout: Output) {
    this.#stdout = stdout;
  }

  /** Since the beginning of the story. */
  get passedMs(): number {
    return performance.now() - this.#beganMs;
  }

  /** ` 41s  The judge is sure …`. */
  tell(text: string): void {
    const time = `${Math.floor(this.passedMs / 1_000)}s`.padStart(TIME_COLUMNS - 2);
    const [first, ...others] = wrapped(oneLine(text), this.#columns - TIME_COLUMNS);
    const indent = " ".repeat(TIME_COLUMNS);
    this.plain([`${time}  ${first}`, ...others.map((line) => `${indent}${line}`)]);
  }

  plain(lines: readonly string[]): void {
    this.#stdout.write(lines.map((line) => `${line}\n`).join(""));
  }

  get #columns(): number {
    const columns = this.#stdout.size?.()?.columns ?? COLUMNS_MAX;
    return Math.max(COLUMNS_MIN, Math.min(COLUMNS_MAX, columns));
  }
}
