/** News as a page gets them, for tests of its code. */

import type { ApplicationNews, ReleaseNews } from "../../src/page/news.ts";
import { releaseNews } from "../../src/page/release-news.ts";
import { shownAt } from "../cli/commands/release/shown.ts";

export const BEGAN_MS = 1_000_000_000;

const arc = (version: string, rollout: number) =>
  ({ version, rollout, offset: 0, failsafe: "master" }) as const;

export const newsOf = (changes: Partial<ApplicationNews> = {}): ApplicationNews => ({
  ...{
    name: "website",
    isFresh: true,
    ageMs: 0,
    leaseMs: 10_000,
    error: null,
    isRead: true,
    ordered: {},
    freeze: null,
    start: "maxwells-daemon release -of NAME",
  },
  ...{
    arcs: [arc("canary", 0.05), arc("maintenance", 0)],
    decisions: [],
    releases: [],
    history: [],
    freezes: [],
  },
  ...changes,
});

export function shown(changes: Partial<ReleaseNews> = {}): ReleaseNews {
  return { ...releaseNews(shownAt({}), []), ...changes };
}
