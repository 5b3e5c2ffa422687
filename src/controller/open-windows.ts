/**
 * The windows of releases. Each is parsed once, and looked at once a minute, because a zone is costly to look
 * up, and windows begin and end with a minute.
 */

import { Problem } from "../config/option.ts";
import { isOpen, nextOpening, parseWindow, type Window } from "../releases/windows.ts";

/** Windows of this many texts are kept. Then all are parsed again. */
const KEPT_MAX = 1_024;

const MINUTE_MS = 60_000;

interface Kept {
  /** Undefined if this program cannot read it. */
  readonly window: Window | undefined;
  /** The minute since 1970 for which the other two hold. */
  minute: number;
  isOpen: boolean;
  opensAtMs: number;
}

export class OpenWindows {
  readonly #kept = new Map<string, Kept>();

  /** Whether one of the windows is open; undefined if none is, and one cannot be read. */
  isOpen(texts: readonly string[], epochMs: number): boolean | undefined {
    const kept = texts.map((text) => this.#at(text, epochMs));
    if (kept.some((each) => each.isOpen)) return true;
    return kept.some(({ window }) => window === undefined) ? undefined : false;
  }

  /** The time to the next opening in milliseconds; Infinity if no window that can be read ever opens. */
  opensInMs(texts: readonly string[], epochMs: number): number {
    const opensAtMs = texts.map((text) => this.#at(text, epochMs).opensAtMs);
    return Math.max(0, Math.min(Number.POSITIVE_INFINITY, ...opensAtMs) - epochMs);
  }

  #at(text: string, epochMs: number): Kept {
    const minute = Math.floor(epochMs / MINUTE_MS);
    const kept = this.#kept.get(text) ?? this.#parsed(text);
    if (kept.minute === minute || kept.window === undefined) return kept;
    kept.minute = minute;
    kept.isOpen = isOpen(kept.window, epochMs);
    kept.opensAtMs = nextOpening([kept.window], epochMs);
    return kept;
  }

  #parsed(text: string): Kept {
    if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
    const parsed = parseWindow(text);
    const window = parsed instanceof Problem ? undefined : parsed;
    const kept = { window, minute: Number.NaN, isOpen: false, opensAtMs: Number.POSITIVE_INFINITY };
    this.#kept.set(text, kept);
    return kept;
  }
}
