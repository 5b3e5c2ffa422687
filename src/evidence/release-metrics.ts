/** The metrics of a release, out of its record. Pure. */

import { type Metric, metricsOf, weightsOf } from "../judge/metrics.ts";
import type { Release } from "../releases/release.ts";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * The metrics with the weights of the record. A record without weights has the standard ones.
 *
 * @returns without those that this program does not know, because a newer program wrote the record
 */
export function metricsOfRelease({ slow, weights }: Pick<Release, "slow" | "weights">): readonly Metric[] {
  const bounds = slowBoundsMs(slow ?? []);
  return metricsOf(weights ?? weightsOf({ bounds: bounds.length, isBroughtTold: true }), bounds);
}

/** Bounds such as `400ms` or `1m30s`, in milliseconds, ascending. A text that is none is left out. */
export function slowBoundsMs(texts: readonly string[]): readonly number[] {
  return texts
    .filter((text) => /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text))
    .map((text) =>
      Array.from(text.matchAll(/([\d.]+)([a-z]+)/g)).reduce(
        (sum, [, amount, unit = ""]) => sum + Number(amount) * (UNITS[unit] ?? 0),
        0,
      ),
    )
    .sort((a, b) => a - b);
}
