/** The conditions of a step on the page, each with how far it is. */

import { describe, expect, test } from "bun:test";
import type { LedView } from "../../src/controller/view.ts";
import { releaseNews } from "../../src/page/release-news.ts";
import { type Scene, shownAt } from "../cli/commands/release/shown.ts";

const newsOf = (scene: Scene, led?: LedView) => releaseNews(shownAt(scene), [], { led });

describe("the conditions of a step", () => {
  test("say how far the time and the judge are", () => {
    const { conditions, waits, judged } = newsOf({ traffic: { visitors: 2_000, oneIn: 100 } });
    expect(conditions.map(({ kind, state }) => [kind, state])).toEqual([
      ["time", "waiting"],
      ["ok", "waiting"],
    ]);
    expect(conditions[0]?.way).toEqual({ done: 18 * 60_000, of: 30 * 60_000, unit: "ms" });
    const needed = Math.round(judged?.needed ?? 0);
    expect(conditions[1]?.way).toEqual({ done: judged?.visitors ?? 0, of: needed, unit: "visitors" });
    expect(judged?.visitors).toBeGreaterThan(1_000);
    expect(waits).toEqual(conditions.flatMap(({ texts }) => texts));
  });

  test("a condition that is met is there, without a text", () => {
    const [time] = newsOf({ traffic: { visitors: 2_000 }, minutes: 31 }).conditions;
    expect(time).toMatchObject({ kind: "time", state: "met", texts: [] });
  });

  test("before the first visitor there is no estimate", () => {
    const ok = newsOf({ traffic: { visitors: 0 } }).conditions.find(({ kind }) => kind === "ok");
    expect(ok).toMatchObject({ state: "waiting", way: null });
  });

  test("a person sees a sign, a freeze, and the command with which to go on", () => {
    const freeze = { isFrozen: true, by: "ada@web-1", at: undefined, why: undefined };
    const { conditions } = newsOf({ freeze, traffic: { visitors: 2_000, signs: ["back"] } });
    const sign = conditions.find(({ kind }) => kind === "sign");
    expect(sign).toMatchObject({ label: "no sign back", state: "waiting" });
    expect(sign?.texts[0]?.command).toContain("release -clear back");
    expect(conditions.find(({ kind }) => kind === "freeze")).toMatchObject({ state: "waiting" });
  });

  test("a check is known to a daemon that leads the release, and to no other one", () => {
    const plan = "1%:10m,5%:check(load),100%:1d";
    const scene: Scene = { release: { plan } };
    expect(newsOf(scene).conditions[0]).toMatchObject({ label: "check(load)", state: "unknown" });
    const { release } = shownAt(scene);
    const led = {
      release,
      waits: [{ kind: "check", name: "load", state: "waiting" }],
      checks: [{ name: "load", kind: "waiting", sentence: "load has not passed: 9 of 8", ageMs: 5 }],
    } as unknown as LedView;
    expect(newsOf(scene, led).conditions[0]).toMatchObject({
      ...{ label: "check(load)", state: "waiting" },
      texts: [{ text: "load has not passed: 9 of 8", command: null }],
    });
    const older = { ...led, release: { ...release, seq: release.seq - 1 } };
    expect(newsOf(scene, older).conditions[0]).toMatchObject({ state: "unknown" });
  });
});
