/** A successful read of these records, as the feed hands it to its followers. */

import type { Reading } from "../../src/feed/reading.ts";
import { checkRecord } from "../../src/records/check.ts";

export function readingOf(records: Readonly<Record<string, unknown>>, application = "app"): Reading {
  const checked = Object.entries(records).map(([version, value]) => checkRecord(version, value));
  return {
    application,
    arcs: checked.map(({ arc }) => arc),
    malformed: new Set(checked.filter(({ problem }) => problem !== undefined).map(({ arc }) => arc.version)),
    snapshot: new Map(),
    ageMs: 0,
    isSame: false,
  };
}
