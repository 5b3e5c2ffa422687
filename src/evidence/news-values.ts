/** The values in a line of news. Pure. */

import type { OwnState } from "./news.ts";

/** A name or a reason has at most this many UTF-16 units. */
export const NEWS_TEXT_LENGTH_MAX = 256;

/** The fields of a line. */
export type Fields = Readonly<Record<string, unknown>>;

export function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= NEWS_TEXT_LENGTH_MAX;
}

export function isName(value: unknown): value is string {
  return isText(value) && value !== "";
}

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** The fields of the daemon's own state that can be read. The others are left out, and the line stays. */
export function ownStateIn({ aheadMs, dropped }: Fields): OwnState {
  return {
    ...(typeof aheadMs === "number" && Number.isSafeInteger(aheadMs) ? { aheadMs } : {}),
    ...(isCount(dropped) ? { dropped } : {}),
  };
}

export function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
