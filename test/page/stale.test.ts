/** The sentences of the page about visitors if the store is lost. */

import { describe, expect, test } from "bun:test";
import { hasText } from "../../src/page/browser/choices.ts";
import { arcsNow, leaseText, staleBadge, staleWarning } from "../../src/page/browser/stale.ts";
import { newsOf, shown } from "./shown-news.ts";

const arc = (version: string, rollout: number, failsafe: "hold" | "master" = "master", offset = 0) => ({
  ...{ version, rollout, offset, failsafe },
});

const MASTER = newsOf({
  isFresh: false,
  leaseMs: 0,
  arcs: [arc("canary", 0.05), arc("maintenance", 1, "hold")],
});
const HELD = newsOf({ isFresh: false, arcs: [arc("blue", 0.2, "master", 0.5), arc("canary", 0.05, "hold")] });
const ALL = newsOf({ isFresh: false, arcs: [arc("canary", 1, "hold")] });

describe("a snapshot that is too old", () => {
  test("leaves visitors to the arcs with failsafe hold alone, and maintenance has none", () => {
    const names = [MASTER, HELD, ALL].map((news) => arcsNow(news).map(({ version }) => version));
    expect(names).toEqual([[], ["canary"], ["canary"]]);
    expect(arcsNow({ ...HELD, isFresh: true })).toHaveLength(2);
  });

  test("says who gets master, and which version is kept", () => {
    expect([MASTER, HELD, ALL].map((news) => [staleBadge(news), staleWarning(news)])).toEqual([
      ["all visitors get master", "The snapshot of the store is too old, so all visitors get master."],
      [
        "store lost, canary is kept",
        "The snapshot of the store is too old. By failsafe hold, canary keeps 5% of the visitors. All others get master.",
      ],
      [
        "store lost, canary is kept",
        "The snapshot of the store is too old. By failsafe hold, canary keeps all visitors.",
      ],
    ]);
    expect([staleBadge(newsOf()), staleWarning(newsOf())]).toEqual([undefined, undefined]);
  });

  test("does not take a release for one that has visitors here", () => {
    const release = shown({ judged: null, rollout: 0.05 });
    expect(hasText(newsOf(), release)).toBe("canary has 5% of the visitors");
    expect(hasText(HELD, release)).toBe("canary has 5% of the visitors");
    expect(hasText(MASTER, release)).toBe(
      "canary has 5% of the visitors by its record, and none at this daemon",
    );
  });
});

test("the lease has no end if all versions are held, and none if it is over", () => {
  const texts = [newsOf(), { ...HELD, isFresh: true }, HELD, ALL, { ...ALL, isFresh: true }, MASTER].map(
    (news) => leaseText(news, 1_000),
  );
  const kept = "no end: by failsafe hold, canary is kept if the store is lost";
  const left = "9s more, if the store is lost now";
  expect(texts).toEqual([left, left, kept, kept, kept, "over: all visitors get master"]);
});
