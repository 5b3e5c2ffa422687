/** Durations and shares of visitors, as people read them. */

/** `350ms`, `4.2s`, `3m10s`, `5h02m`, `3d4h`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${(ms / 1000).toFixed(1)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${seconds % 60}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours}h${minutes % 60}m` : `${Math.floor(hours / 24)}d${hours % 24}h`;
}

/** A fraction as a percentage, such as `5%`. */
export function rolloutText(rollout: number): string {
  return `${Number((rollout * 100).toPrecision(12))}%`;
}

const EXACT_UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;

/**
 * A duration of whole seconds without any loss, in the form that `parseLongDuration` reads: `1m30s`, `1d`.
 */
export function exactDurationText(ms: number): string {
  let seconds = Math.round(ms / 1000);
  let text = "";
  for (const [unit, size] of EXACT_UNITS) {
    const count = Math.floor(seconds / size);
    if (count > 0) text += `${count}${unit}`;
    seconds -= count * size;
  }
  return text || "0s";
}
