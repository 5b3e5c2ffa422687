/** Times of day for people. */

/** `12:10:03 UTC`, with the day if it is not that of `nowMs`. */
export function clockText(ms: number, nowMs: number): string {
  if (!Number.isFinite(ms)) return "never";
  const [day = "", time = ""] = new Date(ms).toISOString().split("T");
  const isToday = new Date(nowMs).toISOString().startsWith(day);
  return `${isToday ? "" : `${day} `}${time.slice(0, 8)} UTC`;
}
