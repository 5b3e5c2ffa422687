/** The conditions for which a release waits, and the rule of time. */

import { describe, expect, test } from "bun:test";
import { type DueFacts, waitingFor } from "../../src/releases/due.ts";
import type { Release } from "../../src/releases/release.ts";
import { timePassed, type Watch, watched } from "../../src/releases/watch.ts";
import { BEGAN_MS, KEY, OTHER_KEY, PLAN, planOf, releaseOf, TX } from "./world.ts";

const UNHEALTHY_MS = 8_000;
const RELEASE = { key: KEY, seq: 4, tx: TX };

/** A watch that looks once a second, from `fromMs` to `toMs` after the state began. */
function watch(
  fromMs: number,
  toMs: number,
  store: (ms: number) => number | undefined = (ms) => BEGAN_MS + ms,
): Watch {
  let now: Watch | undefined;
  for (let ms = fromMs; ms <= toMs; ms += 1_000) {
    now = watched(now, RELEASE, { monotonicMs: 5_000_000 + ms, storeMs: store(ms) }, UNHEALTHY_MS);
  }
  return now as Watch;
}

const isOver = (now: Watch, waitMs: number) => timePassed(now, BEGAN_MS, waitMs).isOver;

describe("REL-16, law 15: a wait is over", () => {
  test("when the store's clock has passed it, and the daemon has watched for a minute", () => {
    expect(isOver(watch(540_000, 599_000), 600_000)).toBe(false);
    expect(isOver(watch(540_000, 600_000), 600_000)).toBe(true);
    expect(isOver(watch(541_000, 600_000), 600_000)).toBe(false);
    expect(isOver(watch(3_600_000, 3_659_000), 600_000)).toBe(false);
    expect(isOver(watch(3_600_000, 3_660_000), 600_000)).toBe(true);
  });

  test("after the wait itself if it is less than a minute", () => {
    expect(isOver(watch(20_000, 29_000), 10_000)).toBe(false);
    expect(isOver(watch(20_000, 30_000), 10_000)).toBe(true);
  });

  test("without a store's clock, when the daemon has watched all of it", () => {
    expect(
      isOver(
        watch(1_000, 600_000, () => undefined),
        600_000,
      ),
    ).toBe(false);
    expect(
      isOver(
        watch(0, 600_000, () => undefined),
        600_000,
      ),
    ).toBe(true);
  });

  test("if the store's clock jumped ahead, only when the daemon has watched all of it", () => {
    const jumped = (byMs: number) => (ms: number) => BEGAN_MS + ms + (ms > 5_000 ? byMs : 0);
    expect(isOver(watch(0, 120_000, jumped(3_600_000)), 600_000)).toBe(false);
    expect(isOver(watch(0, 600_000, jumped(3_600_000)), 600_000)).toBe(true);
    expect(isOver(watch(0, 596_000, jumped(5_000)), 600_000)).toBe(true);
    expect(isOver(watch(0, 596_000, jumped(5_001)), 600_000)).toBe(false);
  });

  test("a jump counts also if the clock comes back", () => {
    const blink = (ms: number) => BEGAN_MS + ms + (ms === 5_000 ? 60_000 : 0);
    expect(watch(0, 60_000, blink).isWhole).toBe(true);
  });

  test("if the store's clock goes back, when the daemon has watched all of it", () => {
    const back = (ms: number) => BEGAN_MS + ms - 3_600_000;
    expect(isOver(watch(0, 599_000, back), 600_000)).toBe(false);
    expect(isOver(watch(0, 600_000, back), 600_000)).toBe(true);
  });

  test("if the store's clock is lost, when the daemon has watched all of it", () => {
    const lost = (ms: number) => (ms < 590_000 ? BEGAN_MS + ms : undefined);
    expect(isOver(watch(500_000, 600_000, lost), 600_000)).toBe(false);
  });

  test("after a gap of more than unhealthy, only a whole wait later", () => {
    const before = watch(0, 590_000);
    const look = (now: Watch, ms: number) =>
      watched(now, RELEASE, { monotonicMs: 5_000_000 + ms, storeMs: BEGAN_MS + ms }, UNHEALTHY_MS);
    expect(look(before, 598_000)).toMatchObject({ watchedMs: 598_000, isWhole: false });
    const gap = look(before, 598_001);
    expect(gap).toMatchObject({ watchedMs: 0, isWhole: true });
    expect(isOver(look(gap, 606_001), 600_000)).toBe(false);
    let now = gap;
    for (let ms = 599_001; ms <= 598_001 + 600_000; ms += 1_000) now = look(now, ms);
    expect(isOver(now, 600_000)).toBe(true);
  });

  test("another write of the release begins a new watch, and so does another key", () => {
    const look = { monotonicMs: 5_600_000, storeMs: BEGAN_MS };
    for (const other of [{ seq: 5 }, { key: OTHER_KEY }]) {
      expect(watched(watch(0, 600_000), { ...RELEASE, ...other }, look, UNHEALTHY_MS).watchedMs).toBe(0);
    }
  });

  test("a state that another writer made after a fall back begins a new watch, although it has the same seq", () => {
    const look = { monotonicMs: 5_600_000, storeMs: BEGAN_MS };
    const other = { ...RELEASE, tx: OTHER_KEY };
    expect(watched(watch(0, 600_000), other, look, UNHEALTHY_MS).watchedMs).toBe(0);
    expect(waitingFor(releaseOf({ tx: OTHER_KEY }), PLAN, FACTS)[0]).toMatchObject({
      passedMs: 0,
      isOver: false,
    });
  });

  test("a monotonic clock that goes back, or has no time, begins the watch again", () => {
    for (const monotonicMs of [0, Number.NaN]) {
      const now = watched(watch(0, 600_000), RELEASE, { monotonicMs, storeMs: BEGAN_MS }, UNHEALTHY_MS);
      expect(now).toMatchObject({ watchedMs: 0, isWhole: true });
    }
  });
});

const FACTS: DueFacts = {
  ...{ watch: watch(0, 1_800_000), ok: "pass", evidenceAgeMs: 0, checks: new Map(), isOpen: true },
  ...{ isFrozen: false, signs: [] },
};

function waits(release: Release, facts: Partial<DueFacts> = {}, plan = PLAN): string {
  return waitingFor({ ...release, plan: plan.text }, plan, { ...FACTS, ...facts })
    .map((each) => `${each.kind} ${each.state}`)
    .join(", ");
}

describe("a running release waits for", () => {
  test("a person, if the judge has raised a sign that is not cleared", () => {
    const release = releaseOf({ cleared: [["back", "ada@web-1", "looked at it"]] });
    expect(waits(release, { signs: ["back", "split"] }, planOf("5%:1m,100%:1m"))).toBe(
      "time met, sign waiting",
    );
    expect(waits(release, { signs: ["back"] }, planOf("5%:1m,100%:1m"))).toBe("time met");
  });

  test("its time, the judge and fresh evidence", () => {
    expect(waits(releaseOf())).toBe("time met, ok met, evidence met");
    expect(waits(releaseOf(), { watch: watch(0, 1_799_000) })).toBe("time waiting, ok met, evidence met");
    expect(waits(releaseOf(), { ok: "watch" })).toBe("time met, ok waiting, evidence met");
    expect(waits(releaseOf(), { ok: undefined })).toBe("time met, ok waiting, evidence met");
  });

  test("each condition says how far it is", () => {
    const [time, ok, evidence] = waitingFor(releaseOf(), PLAN, { ...FACTS, watch: watch(0, 61_000) });
    expect(time).toMatchObject({ passedMs: 61_000, ofMs: 1_800_000, watchedMs: 61_000, watchMs: 60_000 });
    expect(ok).toMatchObject({ passedMs: 61_000, ofMs: undefined });
    expect(evidence).toMatchObject({ ageMs: 0 });
  });

  test("law 12: evidence of the last 30 s, in each step of a plan that names ok anywhere", () => {
    const first = releaseOf({ step: 1 });
    expect(waits(first, { evidenceAgeMs: 30_000 })).toBe("time met, evidence met");
    expect(waits(first, { evidenceAgeMs: 30_001 })).toBe("time met, evidence waiting");
    expect(waits(first, { evidenceAgeMs: undefined })).toBe("time met, evidence waiting");
    expect(waits(first, { evidenceAgeMs: undefined }, planOf("1%:10m,100%:1d"))).toBe("time met");
  });

  test("the judge, but not for longer than the bound", () => {
    const third = releaseOf({ step: 3 });
    const late = watch(0, 7_200_000);
    expect(waits(third, { ok: "watch", watch: watch(0, 7_199_000) })).toBe(
      "time met, ok waiting, evidence met",
    );
    expect(waits(third, { ok: "watch", watch: late })).toBe("time met, ok inconclusive, evidence met");
    expect(waits(third, { ok: undefined, watch: late })).toBe("time met, ok inconclusive, evidence met");
    expect(waits(third, { ok: "pass", watch: late })).toBe("time met, ok met, evidence met");
  });

  test("a person, if the plan says approve or nothing", () => {
    expect(waits(releaseOf({ step: 1 }), {}, planOf("1%,100%"))).toBe("approve waiting");
    expect(waits(releaseOf({ step: 1, approved: 1 }), {}, planOf("1%,100%"))).toBe("approve met");
    expect(waits(releaseOf({ approved: 1 }), {}, planOf("1%,2%,100%"))).toBe("approve waiting");
  });

  test("REL-5: checks; one that this daemon does not know is unknown", () => {
    const plan = planOf("1%:check(load)+check(queue)+check(new),100%");
    const checks = new Map([
      ["load", true],
      ["queue", false],
    ]);
    expect(waits(releaseOf({ step: 1 }), { checks }, plan)).toBe("check met, check waiting, check unknown");
  });

  test("a window, if it has windows; a zone that this daemon does not know is unknown", () => {
    const release = releaseOf({ step: 1, windows: ["mon-thu 09:00-16:00 Europe/Berlin"] });
    const plan = planOf("1%:10m,100%");
    expect(waits(release, {}, plan)).toBe("time met, windows met");
    expect(waits(release, { isOpen: false }, plan)).toBe("time met, windows waiting");
    expect(waits(release, { isOpen: undefined }, plan)).toBe("time met, windows unknown");
  });

  test("the end of a freeze", () => {
    expect(waits(releaseOf({ step: 1 }), { isFrozen: true }, planOf("1%:10m,100%"))).toBe(
      "time met, freeze waiting",
    );
  });

  test("a watch of this state: that of another one has no time", () => {
    expect(waits(releaseOf({ seq: 5 }))).toBe("time waiting, ok met, evidence met");
    expect(waits(releaseOf({ key: "fedcba9876543210fedcba98" }))).toBe("time waiting, ok met, evidence met");
  });

  test("a program that can read its plan", () => {
    const unknown = [{ kind: "plan", state: "unknown" }] as const;
    expect(waitingFor(releaseOf(), undefined, FACTS)).toEqual([...unknown]);
    expect(waitingFor(releaseOf({ step: 9 }), PLAN, FACTS)).toEqual([...unknown]);
  });
});

describe("any other release waits for", () => {
  test("the end of the bake, if it is promoted", () => {
    const promoted = releaseOf({ state: "promoted", step: 4 });
    expect(waits(promoted)).toBe("time waiting");
    const day = {
      first: { monotonicMs: 0, storeMs: BEGAN_MS },
      last: { monotonicMs: 60_000, storeMs: BEGAN_MS + 86_400_000 },
    };
    expect(waits(promoted, { watch: { ...RELEASE, ...day, watchedMs: 60_000, isWhole: false } })).toBe(
      "time met",
    );
  });

  test("the checks of its last step too, if it is promoted", () => {
    const promoted = releaseOf({ state: "promoted", step: 2, plan: "1%:10m,100%:1d+check(errors)" });
    const plan = planOf(promoted.plan);
    const states = (checks: DueFacts["checks"]) =>
      waitingFor(promoted, plan, { ...FACTS, checks }).map(({ kind, state }) => `${kind} ${state}`);
    expect(states(new Map())).toEqual(["time waiting", "check unknown"]);
    expect(states(new Map([["errors", true]]))).toEqual(["time waiting", "check met"]);
  });

  test("a person who resumes it, if it is paused", () => {
    expect(waits(releaseOf({ state: "paused" }))).toBe("resume waiting");
  });

  test("nothing, or the end of its fade, if it is over", () => {
    expect(waits(releaseOf({ state: "aborted" }))).toBe("");
    expect(waits(releaseOf({ state: "finished", fade: [1, BEGAN_MS, 600_000] }))).toBe("fade waiting");
  });
});
