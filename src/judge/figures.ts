/** Figures of the judge as people read them. A figure that is an estimate has two digits. Pure. */

/** 4264 as `4 264`. */
export function wholeText(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** 4264 as `4 300`; a figure below 100 is whole. */
export function roundText(value: number): string {
  return wholeText(value < 100 ? value : Number(value.toPrecision(2)));
}

/** `1 visitor`, `4 264 visitors`. */
export function visitorsText(count: number): string {
  return `${wholeText(count)} ${Math.round(count) === 1 ? "visitor" : "visitors"}`;
}

/** How many times as likely: `0.34`, `1.2`, `25`, `1 200`. */
function timesText(ratio: number): string {
  if (ratio >= 10) return roundText(ratio);
  return ratio < 0.01 ? "0" : String(Number(ratio.toPrecision(2)));
}

/** From this ratio on, the number itself says nothing more. */
const RATIO_SHOWN_MAX = 1_000;

/** `1.2 to 25 times as likely`, `at least 1.8 times as likely`. */
export function ratioText(low: number, high: number): string {
  if (low <= 0 && high > RATIO_SHOWN_MAX) return "any number of times as likely";
  if (high > RATIO_SHOWN_MAX) return `at least ${timesText(low)} times as likely`;
  if (low <= 0) return `at most ${timesText(high)} times as likely`;
  return `${timesText(low)} to ${timesText(high)} times as likely`;
}

const DENOMINATORS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 30, 40, 50];

/** A share may be written as a fraction that is this far from it. */
const FRACTION_ERROR_MAX = 0.05;

/** A share of visitors: `1 in 20`, `2 in 5`, `1 in 1 000`. */
export function shareText(share: number): string {
  if (share > 0 && share < 0.1) return `1 in ${wholeText(1 / share)}`;
  for (const of of DENOMINATORS) {
    const part = Math.round(share * of);
    const isNear = Math.abs(part / of - share) <= FRACTION_ERROR_MAX * Math.min(share, 1 - share);
    if (part > 0 && part < of && isNear) return `${part} in ${of}`;
  }
  return `${Math.round(share * 1_000)} in 1 000`;
}

const MINUTES_A_DAY = 1_440;

/** A time to wait, roughly: `less than a minute`, `about 14 minutes`, `about 3 hours`, `about 12 days`. */
export function timeText(minutes: number): string {
  if (minutes < 1) return "less than a minute";
  if (minutes < 100) return about(minutes, "minute");
  if (minutes < 2 * MINUTES_A_DAY) return about(minutes / 60, "hour");
  return minutes < 1_000 * MINUTES_A_DAY ? about(minutes / MINUTES_A_DAY, "day") : "years";
}

function about(value: number, unit: string): string {
  const text = roundText(value);
  return `about ${text} ${unit}${text === "1" ? "" : "s"}`;
}
