/** The checks and the notices of a release, as a controller uses them. */

import { describe, expect, test } from "bun:test";
import type { Subject } from "../../src/checks/check-kind.ts";
import type { Harm } from "../../src/checks/runner.ts";
import type { Checks } from "../../src/controller/facts.ts";
import { type Notices, STUCK_MS } from "../../src/controller/standing.ts";
import { StoreError } from "../../src/stores/store.ts";
import { Fleet } from "./fleet.ts";

const MINUTE_MS = 60_000;

/** Checks whose words are the test's. */
class SaidChecks implements Checks {
  onHarm: (harm: Harm) => void = () => {};
  followed: readonly string[] = [];
  subject: Subject | undefined;
  answer: boolean | undefined;
  isClosed = false;

  follow(subject: Subject, names: readonly string[]): void {
    this.subject = subject;
    this.followed = names;
  }

  forget(): void {
    this.followed = [];
  }

  answers({ seq }: { readonly seq: number }): ReadonlyMap<string, boolean> {
    const isThis = this.subject?.seq === seq && this.answer !== undefined;
    return new Map(isThis ? this.followed.map((name) => [name, this.answer === true]) : []);
  }

  told() {
    return this.followed.map((name) => ({ name, kind: "waiting" as const, sentence: "", ageMs: 0 }));
  }

  close(): void {
    this.isClosed = true;
  }
}

async function withChecks() {
  const fleet = new Fleet();
  const checks = new SaidChecks();
  const daemon = await fleet.daemon("web-1", undefined, {
    checks: (onHarm) => Object.assign(checks, { onHarm }),
  });
  return { fleet, checks, daemon };
}

describe("checks", () => {
  test("hold a step until all are passed, and are asked for the steps that name them", async () => {
    const { fleet, checks, daemon } = await withChecks();
    const { key } = fleet.start("1%:10s+check(load)+check(errors),5%:1m,100%:1m");
    await fleet.pass(5_000);
    expect(checks.followed).toEqual(["load", "errors"]);
    expect(checks.subject).toEqual({
      ...{ application: "website", version: "canary", key, seq: 1, id: 8, of: "v43" },
      ...{ step: 1, steps: 3, rollout: 0.01 },
    });
    await fleet.pass(MINUTE_MS);
    expect(fleet.short()).toBe("running 1 1%");
    expect(daemon.controller.view().releases[0]?.checks).toMatchObject([
      { name: "load" },
      { name: "errors" },
    ]);
    // Answers lie in memory, so waiting for them costs the store nothing. One write is the trial of its rights.
    expect(fleet.store.calls.write).toBe(1);
    checks.answer = false;
    await fleet.pass(MINUTE_MS);
    expect(fleet.short()).toBe("running 1 1%");
    checks.answer = true;
    await fleet.pass(7_000);
    expect(fleet.short()).toBe("running 2 5%");
    expect(checks.followed).toEqual([]);
    await daemon.stop();
    expect(checks.isClosed).toBe(true);
  });

  test("are not asked while the release is paused, and not after its end", async () => {
    const { fleet, checks, daemon } = await withChecks();
    const { key } = fleet.start("1%:10s+check(load),100%:1m");
    await fleet.pass(5_000);
    fleet.ask({ verb: "pause", key, reason: undefined });
    await fleet.pass(5_000);
    expect(checks.followed).toEqual([]);
    fleet.ask({ verb: "resume", pin: { key, step: 1 } });
    await fleet.pass(5_000);
    expect(checks.followed).toEqual(["load"]);
    fleet.ask({ verb: "abort", key, reason: undefined });
    await fleet.pass(5_000);
    expect(checks.followed).toEqual([]);
    await daemon.stop();
  });

  test("that say harm take the visitors back at once", async () => {
    const { fleet, checks, daemon } = await withChecks();
    fleet.start("1%:10s+check(load),100%:1m");
    await fleet.pass(5_000);
    checks.onHarm({ subject: checks.subject as Subject, name: "load", why: "check load says harm: 9 > 5" });
    expect(daemon.reapplied).toEqual(["website"]);
    await fleet.pass(10);
    expect([fleet.short(), fleet.release().reason]).toEqual(["aborted 1 0%", "check load says harm: 9 > 5"]);
    await daemon.stop();
  });
});

/** Notices that the test reads. */
class KeptNotices implements Notices {
  readonly looked: string[] = [];
  readonly extras: string[] = [];
  isClosed = false;

  look({ release }: Parameters<Notices["look"]>[0]): void {
    const text = `${release.seq} ${release.state}`;
    if (this.looked.at(-1) !== text) this.looked.push(text);
  }

  extra(...[, extra, why]: Parameters<Notices["extra"]>): void {
    const text = why === undefined ? extra : `${extra}: ${why}`;
    if (this.extras.at(-1) !== text) this.extras.push(text);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

describe("notices", () => {
  test("get each state of a release, also its end, and the end of the bake", async () => {
    const fleet = new Fleet();
    const notices = new KeptNotices();
    const daemon = await fleet.daemon("web-1", undefined, { notices });
    const { key } = fleet.start("1%:10s,100%:1m");
    await fleet.pass(70_000);
    expect(notices.extras).toEqual([]);
    await fleet.pass(10_000);
    expect(notices.extras).toEqual(["bake_over"]);
    fleet.ask({ verb: "finish", key, deployed: "v43", overMs: 0, reason: undefined });
    await fleet.pass(5_000);
    expect(notices.looked).toEqual(["1 running", "2 promoted", "3 finished"]);
    await daemon.stop();
    expect(notices.isClosed).toBe(true);
  });

  test("get the end of a release that a daemon finds when it starts", async () => {
    const fleet = new Fleet();
    const notices = new KeptNotices();
    const { key } = fleet.start("1%:10s,100%:1m");
    fleet.ask({ verb: "abort", key, reason: undefined });
    const daemon = await fleet.daemon("web-1", undefined, { notices });
    await fleet.pass(5_000);
    expect(notices.looked).toEqual(["2 aborted"]);
    await daemon.stop();
  });

  test("say that a release is stuck if its problem lasts", async () => {
    const fleet = new Fleet();
    const notices = new KeptNotices();
    const daemon = await fleet.daemon("web-1", undefined, { notices });
    fleet.start("1%:10s,100%:1m");
    fleet.edit((release) => ({ ...release, plan: "1%:10s+sunshine,100%" }));
    await fleet.pass(STUCK_MS - 5_000);
    expect(notices.extras).toEqual([]);
    await fleet.pass(10_000);
    expect(notices.extras).toEqual([expect.stringMatching(/^stuck: its plan cannot be read/)]);
    await daemon.stop();
  });

  test("say nothing of a failure from before a pause", async () => {
    const fleet = new Fleet();
    const notices = new KeptNotices();
    const daemon = await fleet.daemon("web-1", undefined, { notices });
    const { key } = fleet.start("1%:10s,100%:1m");
    const problem = () => daemon.controller.view().releases[0]?.problem;
    fleet.store.before = () => {
      throw new StoreError("unavailable", "no answer");
    };
    await fleet.pass(15_000);
    expect(problem()).toBe("no answer");
    fleet.store.before = undefined;
    fleet.ask({ verb: "pause", key, reason: undefined });
    await fleet.pass(1_000);
    expect(problem()).toBeUndefined();
    fleet.ask({ verb: "resume", pin: { key, step: 1 } });
    await fleet.pass(1_000);
    fleet.store.clock = () => new Promise(() => {});
    await fleet.pass(11_000);
    fleet.ask({ verb: "pause", key, reason: undefined });
    await fleet.pass(STUCK_MS + MINUTE_MS);
    expect([fleet.short(), problem(), notices.extras]).toEqual(["paused 1 1%", undefined, []]);
    await daemon.stop();
  });

  test("say that a check finds harm after the promotion, and that the bake is over once it passes", async () => {
    const fleet = new Fleet();
    const notices = new KeptNotices();
    const checks = new SaidChecks();
    const daemon = await fleet.daemon("web-1", undefined, {
      notices,
      checks: (onHarm) => {
        checks.onHarm = onHarm;
        return checks;
      },
    });
    fleet.start("100%:1m+check(errors)");
    await fleet.pass(5_000);
    expect(checks.followed).toEqual(["errors"]);
    const subject = checks.subject as Subject;
    checks.onHarm({ subject, name: "errors", why: "check errors says harm" });
    expect([fleet.short(), notices.extras]).toEqual(["promoted 1 100%", ["harm: check errors says harm"]]);
    checks.answer = false;
    await fleet.pass(2 * MINUTE_MS);
    const isBakeOver = () => notices.extras.some((extra) => extra.startsWith("bake_over"));
    expect(isBakeOver()).toBe(false);
    checks.answer = true;
    await fleet.pass(10_000);
    expect(isBakeOver()).toBe(true);
    await daemon.stop();
  });

  test("say that a promoted release seems to do harm", async () => {
    const fleet = new Fleet();
    const notices = new KeptNotices();
    const daemon = await fleet.daemon("web-1", undefined, { notices });
    const { key } = fleet.start("100%:1h");
    await fleet.pass(5_000);
    daemon.controller.verdict("website", "canary", key, "errors");
    expect(notices.extras).toEqual(["harm: errors"]);
    await daemon.stop();
  });
});
