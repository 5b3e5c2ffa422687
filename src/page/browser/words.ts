/** Numbers and durations for people. Pure. */

import type { Judged } from "../../evidence/judged.ts";
import { HURT_MIN } from "../../judge/abort.ts";

/** `18m 5s`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ");
}

/** `5%`. */
export function shareText(share: number): string {
  return `${Number((share * 100).toPrecision(3))}%`;
}

/** `12 400`. */
export function countText(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(\d{3})+$)/g, " ");
}

/**
 * `18:31:43`, in the reader's own time zone. Browsers need tens of milliseconds for their first `Intl`, which
 * would be a part of the first paint.
 */
export function clockText(ms: number): string {
  return new Date(ms).toTimeString().slice(0, 8);
}

/** A time of a record in the reader's own time zone: `18:31:43` of today, or `2026-11-29 18:31:43`. */
export function timeText(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const clock = clockText(at.getTime());
  return at.toDateString() === new Date().toDateString() ? clock : `${dateText(at)} ${clock}`;
}

function dateText(at: Date): string {
  const parts = [at.getFullYear(), at.getMonth() + 1, at.getDate()];
  return parts.map((part) => String(part).padStart(2, "0")).join("-");
}

/** A part of a limit: `37%`. */
export function partText(part: number): string {
  return `${Math.round(part * 100)}%`;
}

/** `of an abort`, and what else an abort needs if the evidence alone is enough. */
export function harmLimitText({ metrics }: Pick<Judged, "metrics">): string {
  const enough = metrics.filter(({ harm }) => (harm ?? 0) >= 1);
  const isShort = enough.length > 0 && enough.every(({ canary }) => canary < HURT_MIN);
  return isShort ? `of an abort, which also needs ${HURT_MIN} visitors who were hurt` : "of an abort";
}

/** A rate a second: `0.4`, `12`, `1 200`. */
export function rateText(perSecond: number): string {
  return perSecond > 0 && perSecond < 9.95 ? String(Number(perSecond.toFixed(1))) : countText(perSecond);
}
