/** Times of access logs. Pure. */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const TIME =
  /^(\d{1,2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,3}))?(?: ([+-])(\d{2})(\d{2}))?$/;

/**
 * `29/Nov/2026:12:10:03 +0100` in milliseconds since 1970; NaN for any other text. Without a zone it is UTC.
 */
export function logTimeMs(text: string): number {
  const parts = TIME.exec(text);
  if (parts === null) return Number.NaN;
  const [
    ,
    day,
    month = "",
    year,
    hour,
    minute,
    second,
    fraction = "0",
    sign,
    zoneHour = "0",
    zoneMinute = "0",
  ] = parts;
  const at = MONTHS.indexOf(month);
  if (at < 0) return Number.NaN;
  const local = Date.UTC(Number(year), at, Number(day), Number(hour), Number(minute), Number(second));
  const zone = (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000;
  return local + Number(fraction.padEnd(3, "0")) - (sign === "-" ? -zone : zone);
}
