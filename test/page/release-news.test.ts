/** The news of a release on the page of a daemon: its warnings are those of the command. */

import { describe, expect, test } from "bun:test";
import { releaseLines } from "../../src/cli/commands/release/page.ts";
import { releaseNews } from "../../src/page/release-news.ts";
import { type Scene, shownAt } from "../cli/commands/release/shown.ts";
import { BEGAN_MS, releaseOf } from "../releases/world.ts";

const warningsOf = (scene: Scene) => releaseNews(shownAt(scene), []).warnings;

/** The sentences of the command, without its columns. */
const commandOf = (scene: Scene) =>
  releaseLines(shownAt(scene), 80, [])
    .map(({ text }) => text.slice(10))
    .join(" ");

const FROZEN = { isFrozen: true, by: "ada@web-1", at: undefined, why: "Black Friday" };

const OTHERS = { blue: { rollout: 0.1, offset: 0.5 } };

/**
 * A release in each of its states. A lost store is not among them, because the command prints the fault then,
 * and has no sentence. The page keeps its last one, and says that it may be old (`browser/news.ts`).
 */
const STATES: readonly (readonly [state: string, scene: Scene])[] = [
  ["running, its time", { traffic: { visitors: 900 } }],
  ["running, the evidence", { traffic: { visitors: 900 }, minutes: 31 }],
  ["running, nothing heard", { traffic: { visitors: 0 }, minutes: 31 }],
  [
    "running, a sign",
    { release: { plan: "1%:1m,5%:1m+ok,100%:1d" }, traffic: { visitors: 900, signs: ["back"] } },
  ],
  ["running, an approval", { release: { plan: "1%:1m,5%:approve,100%:1d" } }],
  ["running, a check", { release: { plan: "1%:1m,5%:check(load),100%:1d" } }],
  ["running, a window", { release: { plan: "1%:1m,5%:1m,100%:1d", windows: ["mon 09:00-10:00 UTC"] } }],
  ["running, all true", { release: { plan: "1%:1m,5%:1m,100%:1d" } }],
  ["running, no controller", { release: { plan: "1%:1m,5%:1m,100%:1d" }, leaders: [] }],
  ["running, a clock of its own", { release: { plan: "1%:1m,5%:1m,100%:1d" }, clock: "machine" }],
  ["running, another plan", { release: { plan: "1%:moon" } }],
  ["frozen", { release: { plan: "1%:1m,5%:1m,100%:1d" }, freeze: FROZEN }],
  ["paused", { release: { state: "paused" } }],
  ["changed by another writer", { record: { rollout: 0.07 } }],
  ["promoted", { release: { state: "promoted", step: 5, wrote: [1, 0.25] } }],
  ["promoted, its time over", { release: { state: "promoted", step: 5, wrote: [1, 0.25] }, minutes: 2_000 }],
  ["aborted", { release: { state: "aborted", wrote: [0, 0.25] } }],
  ["aborted by another writer", { record: { rollout: 0 } }],
  ["finished", { release: { state: "finished", step: 5, wrote: [0, 0.25] } }],
  ["fading", { release: { state: "finished", step: 5, wrote: [0.6, 0.25], fade: [1, BEGAN_MS, 1_800_000] } }],
  ["malformed", { record: { rollout: "5%" } }],
];

describe("the sentence on top", () => {
  test.each(STATES)("is that of the command: %s", (_, scene) => {
    const [first] = releaseLines(shownAt(scene), 1_000, []);
    const { headline } = releaseNews(shownAt(scene), []);
    expect(first?.text).toBe(headline.replaceAll("\u00a0", " "));
    expect(headline).toMatch(/^release 7 \(v42\) [a-z]+(, step \d(\/\d)?)?, at \d+%[;,] /);
  });
});

describe("the warnings of the page", () => {
  test("are the sentences of the command", () => {
    const scenes: Scene[] = [
      { traffic: { visitors: 0 } },
      { traffic: { visitors: 900, shortAt: "web-3" } },
      { news: [{ kind: "override", name: "web-3", reason: "errors:\n9 of 10" }] },
      { record: { rollout: 0.2 } },
      { others: OTHERS },
    ];
    for (const scene of scenes) {
      const [warning = "no warning", ...more] = warningsOf(scene);
      expect(more).toEqual([]);
      expect(commandOf(scene)).toContain(warning);
    }
  });

  test("do not say that a release cannot go on if it is over", () => {
    const log = [[5, 1, "finished", 5, 0, "ada@web-1"]] as const;
    const release = { state: "finished", step: 5, log, wrote: [0, 0.25] } as const;
    expect(warningsOf({ release, others: OTHERS })).toEqual([]);
  });
});

test("a reason and a name turn no other text on the page", () => {
  const { reason, of } = releaseNews(shownAt({ release: { of: "v\u202e42", reason: "\u2066INC\n42" } }), []);
  expect([reason, of]).toEqual(["\\u2066INC\\n42", "v\\u202e42"]);
});

describe("the beginning of a step", () => {
  test("is told for the ten seconds that the judge leaves out", () => {
    const isInGrace = (seconds: number) => releaseNews(shownAt({ minutes: seconds / 60 }), []).isInGrace;
    expect([0, 9.9, 10, 60].map(isInGrace)).toEqual([true, true, false, false]);
  });
});

describe("the judge's figures", () => {
  const MINUTE_MS = 60_000;
  const traffic = { visitors: 900, canaryFails: 6 };
  const aborted = (...later: readonly (readonly [number, number, number])[]): Scene => ({
    ...{ traffic, minutes: 18 },
    release: { state: "aborted", wrote: [0, 0.25], arcs: [...releaseOf().arcs, ...later] },
  });

  test("of a release that is over are those of the end of its last step", () => {
    const over = releaseNews(shownAt(aborted([BEGAN_MS + 18 * MINUTE_MS, 0, 0.25])), []);
    const running = releaseNews(shownAt({ traffic, minutes: 18 }), []);
    expect([over.judged, running.judgedAtEnd]).toEqual([null, null]);
    expect(over.judgedAtEnd?.metrics).toEqual(running.judged?.metrics ?? []);
    expect(over.judgedAtEnd?.harm).toBeGreaterThan(1);
    expect(over.warnings).toEqual([]);
  });

  test("have no later outcome in them", () => {
    const early = releaseNews(shownAt(aborted([BEGAN_MS + 1 * MINUTE_MS, 0, 0.25])), []);
    const late = releaseNews(shownAt(aborted([BEGAN_MS + 18 * MINUTE_MS, 0, 0.25])), []);
    expect(early.judgedAtEnd?.metrics[0]?.canary).toBeLessThan(late.judgedAtEnd?.metrics[0]?.canary ?? 0);
  });

  test("are none if the last step with two versions has no end, or if there was none", () => {
    expect(releaseNews(shownAt(aborted()), []).judgedAtEnd).toBeNull();
    const arcs = [[BEGAN_MS, 1, 0.25]] as const;
    const release = { state: "finished", wrote: [0, 0.25], arcs } as const;
    expect(releaseNews(shownAt({ traffic, release }), []).judgedAtEnd).toBeNull();
  });
});
