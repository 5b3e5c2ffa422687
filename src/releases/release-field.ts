/**
 * A release as plain JSON, for the field `release` of a record. The result is never longer than the limit:
 * the oldest lines of the log give way.
 */

import { ARCS_MAX, LOG_MAX, RELEASE_BYTES_MAX, type Release, TEXT_LENGTH_MAX } from "./release.ts";

/**
 * The value of the field `release`. `readRelease` reads the same release from it, if it has room.
 */
export function releaseField(release: Release): Readonly<Record<string, unknown>> {
  const { others, ...known } = release;
  const fields = { ...others, ...known };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/**
 * The release with as much of its log as there is room for; undefined if it is too long without a log too, or
 * has too many arcs.
 */
export function fitted(release: Release): Release | undefined {
  if (release.arcs.length > ARCS_MAX) return undefined;
  let log = release.log.slice(-LOG_MAX);
  for (;;) {
    const fitting = log.length === release.log.length ? release : { ...release, log };
    if (bytesOf(fitting) <= RELEASE_BYTES_MAX) return fitting;
    if (log.length === 0) return undefined;
    log = log.slice(Math.ceil(log.length / 4));
  }
}

/**
 * The release without its log, its arcs and all that only a release under way needs. An abort is written like
 * this if the store refuses it for its size, or if the release has no room.
 */
export function bare(release: Release): Release {
  const unneeded = { windows: undefined, slow: undefined, weights: undefined, cleared: undefined };
  return { ...release, ...unneeded, log: [], arcs: [], others: {} };
}

/** A text of a person, short enough for a release. */
export function clipped(text: string): string {
  // A pair of surrogates is not cut in half.
  return text.slice(0, TEXT_LENGTH_MAX).replace(/[\uD800-\uDBFF]$/, "");
}

function bytesOf(release: Release): number {
  return Buffer.byteLength(JSON.stringify(releaseField(release)));
}
