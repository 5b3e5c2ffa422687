/** The conditions of a step on the page, each with how far it is. */

import { describe, expect, test } from "bun:test";
import type { LedView } from "../../src/controller/view.ts";
import { releaseNews } from "../../src/page/release-news.ts";
import { type Scene, shownAt } from "../cli/commands/release/shown.ts";

const MINUTE_MS = 60_000;

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

  test("the time is that of this daemon's controller, which counts what it has watched itself", () => {
    const scene: Scene = { minutes: 31, release: { plan: "1%:10m,5%:30m,100%:1d" } };
    const { release } = shownAt(scene);
    const time = {
      ...{ kind: "time", state: "waiting", ofMs: 30 * MINUTE_MS, isWhole: true, isOver: false },
      ...{ passedMs: 5 * MINUTE_MS, watchedMs: 5 * MINUTE_MS, watchMs: 30 * MINUTE_MS },
    };
    const led = { release, waits: [time], checks: [], lookedAgoMs: 4_000 } as unknown as LedView;
    expect(newsOf(scene).headline).toContain("all else is true");
    const news = newsOf(scene, led);
    expect(news.conditions[0]).toMatchObject({
      state: "waiting",
      way: { done: 5 * MINUTE_MS + 4_000, of: 30 * MINUTE_MS },
    });
    expect(news.headline).toEndWith("it waits for time: 24m56s more");
    // The controller holds it met, and the clock of this machine does not.
    const met = { ...led, waits: [{ ...time, state: "met", passedMs: 30 * MINUTE_MS }] } as LedView;
    expect(newsOf({ ...scene, minutes: 2 }, met).headline).toEndWith("within seconds: all else is true");
    // The time never ends before the controller says so.
    expect(newsOf(scene, { ...led, lookedAgoMs: 1e9 } as LedView).conditions[0]?.state).toBe("waiting");
  });

  test("without the store's clock the time is not known to be over, and the page says whose clock it has", () => {
    const scene: Scene = { minutes: 31, release: { plan: "1%:10m,5%:30m,100%:1d" }, clock: "machine" };
    const { conditions, headline } = newsOf(scene);
    expect(conditions[0]?.state).toBe("unknown");
    expect(headline).toContain("it is over by the clock of this machine, but each controller counts");
    expect(newsOf({ ...scene, clock: "store" }).conditions[0]?.state).toBe("met");
    expect(newsOf({ ...scene, minutes: 29 }).conditions[0]?.state).toBe("waiting");
  });

  test("a controller that cannot read the evidence waits for it, also if the step itself needs no ok", () => {
    const scene: Scene = { minutes: 31, release: { plan: "1%:10m+ok,5%:30m,100%:1d" } };
    const { release } = shownAt(scene);
    const evidence = { kind: "evidence", state: "waiting", ageMs: 45_000 };
    const led = { release, waits: [evidence], checks: [], lookedAgoMs: 0 } as unknown as LedView;
    const news = newsOf(scene, led);
    expect(news.headline).toEndWith("it waits for news of the evidence: none could be read for 45s");
    expect(news.conditions.map(({ kind }) => kind)).toEqual(["evidence"]);
  });

  test("a check is known to a daemon that leads the release, and to no other one", () => {
    const plan = "1%:10m,5%:check(load),100%:1d";
    const scene: Scene = { release: { plan } };
    expect(newsOf(scene).conditions[0]).toMatchObject({ label: "check(load)", state: "unknown" });
    const { release } = shownAt(scene);
    const led = {
      release,
      waits: [{ kind: "check", name: "load", state: "waiting" }],
      lookedAgoMs: 0,
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
