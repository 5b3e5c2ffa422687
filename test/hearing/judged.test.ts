/** Daemons that hear of outcomes, tell each other, and whose controllers judge. */

import { describe, expect, test } from "bun:test";
import { emptyOutcome, type Outcome } from "../../src/intake/outcome.ts";
import { type Daemon, Fleet } from "../controller/fleet.ts";
import { OFFSET_ZERO } from "./outcomes.ts";

const MINUTE_MS = 60_000;
/** Longer than the first seconds of a step, which do not count. */
const GRACE_MS = 11_000;

const MEANING =
  "visitors were served by another version than the rollout says: a proxy does not do what is configured";
const CLEAR = "maxwells-daemon release -clear place -m WHY -application website";

const outcomeOf = (assignment: number, changes: Partial<Outcome> = {}): Outcome => ({
  ...emptyOutcome(),
  ...{ application: "website", location: assignment < 0.05 ? "canary" : "master", assignment },
  ...{ kind: "answered", status: 200, durationMs: 20, isBrought: true },
  ...changes,
});

/** Visitors of both sides, one each few milliseconds; `fails` says which of them meet an error. */
async function visit(
  fleet: Fleet,
  daemons: readonly Daemon[],
  minutes: number,
  fails: (assignment: number) => boolean,
): Promise<void> {
  for (let second = 0; second < minutes * 60; second++) {
    for (let visitor = 0; visitor < 20; visitor++) {
      const assignment = fleet.random.fraction();
      const status = fails(assignment) ? 500 : 200;
      daemons[visitor % daemons.length]?.hearings.take(outcomeOf(assignment, { status }));
    }
    await fleet.pass(1_000);
  }
}

describe("a canary that fails for each visitor", () => {
  test("is taken back at its third victim, within a second, and the reason has the figures", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("5%:1h,100%:1m", OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    for (const assignment of [0.01, 0.02]) daemon.hearings.take(outcomeOf(assignment, { status: 500 }));
    daemon.hearings.take(outcomeOf(0.5));
    await fleet.pass(5_000);
    expect(fleet.short()).toBe("running 1 5%");
    daemon.hearings.take(outcomeOf(0.03, { status: 500 }));
    await fleet.pass(1_000);
    expect(fleet.short()).toBe("aborted 1 0%");
    expect(fleet.release().reason).toStartWith("all 3 visitors who met errors were the canary's, 1 in 20");
    await daemon.stop();
  });

  test("is taken back if its victims are at other daemons each, within 5 s", async () => {
    const fleet = new Fleet();
    const names = ["web-1", "web-2", "web-3"];
    const daemons = await Promise.all(names.map((name) => fleet.daemon(name)));
    fleet.start("5%:1h,100%:1m", OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    for (const [index, daemon] of daemons.entries()) {
      daemon.hearings.take(outcomeOf(0.01 * (index + 1), { status: 502 }));
    }
    await fleet.pass(5_000);
    expect(fleet.short()).toBe("aborted 1 0%");
    for (const daemon of daemons) await daemon.stop();
  });

  test("stays while the daemon cannot read the evidence of the others for 30 s", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("5%:1h,100%:1m", OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    const { read } = fleet.store.evidence;
    fleet.store.evidence.read = () => Promise.reject(new Error("no answer"));
    await fleet.pass(31_000);
    for (const assignment of [0.01, 0.02, 0.03, 0.04]) {
      daemon.hearings.take(outcomeOf(assignment, { status: 500 }));
    }
    await fleet.pass(30_000);
    expect(fleet.short()).toBe("running 1 5%");
    fleet.store.evidence.read = read;
    await fleet.pass(MINUTE_MS);
    expect(fleet.short()).toBe("aborted 1 0%");
    await daemon.stop();
  });
});

describe("a sound canary", () => {
  test("gets ok, and goes on; the daemon that only reports needs no rights of a controller", async () => {
    // The judge aborts a few of a hundred sound releases, and not this one.
    const fleet = new Fleet({ seed: 1 });
    const daemons = [await fleet.daemon("web-1"), await fleet.daemon("web-2")];
    fleet.start("5%:1m+ok,6%:1h,100%:1m", OFFSET_ZERO);
    await visit(fleet, daemons, 4, (assignment) => (assignment * 1_000_000) % 100 < 1);
    expect(fleet.short()).toBe("running 1 5%");
    await visit(fleet, daemons, 3, (assignment) => (assignment * 1_000_000) % 100 < 1);
    expect(fleet.short()).toBe("running 2 6%");
    for (const daemon of daemons) await daemon.stop();
  });

  test("of which nothing is heard gets no ok", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("5%:1m+ok,6%:1h,100%:1m", OFFSET_ZERO);
    await fleet.pass(20 * MINUTE_MS);
    expect(fleet.short()).toBe("running 1 5%");
    await daemon.stop();
  });

  test("of which the reports stop in the middle gets no ok until they come again, and that is told once", async () => {
    const fleet = new Fleet();
    const notices: string[] = [];
    const told = { look() {}, close: async () => {} };
    const first = await fleet.daemon("web-1", undefined, {
      notices: { ...told, extra: (_, extra, why) => void notices.push(`${extra} ${why}`) },
    });
    const second = await fleet.daemon("web-2");
    const silences = (daemon: Daemon) =>
      daemon.log.entries.map(({ message }) => message).filter((message) => message.includes("reported"));
    fleet.start("5%:15m+ok,6%:1h,100%:1m", OFFSET_ZERO);
    await visit(fleet, [first, second], 7, () => false);
    expect(silences(first)).toEqual([]);
    await visit(fleet, [first], 4, () => false);
    const part =
      "outcomes of release 8 of website are not reported: web-2: no outcome for about 2 minutes, although other " +
      "daemons hear outcomes, so errors of the visitors there are not found: " +
      "see that the proxies beside them report (maxwells-daemon doctor)";
    expect([silences(first), silences(second)]).toEqual([[part], [part]]);
    await fleet.pass(6 * MINUTE_MS);
    expect(fleet.short()).toBe("running 1 5%");
    const whole = silences(first).slice(1);
    expect(whole).toHaveLength(1);
    expect(whole[0]).toStartWith(
      "outcomes of release 8 of website are not reported: no outcome for about 2 minutes",
    );
    expect(notices).toEqual([whole[0]?.replace(/^.* reported: /, "silent ") ?? ""]);
    const judged = first.controller.view().releases[0]?.judged;
    expect(judged).toMatchObject({ isSilent: false, blocks: ["no outcome is reported any more"] });
    await visit(fleet, [first, second], 1, () => false);
    expect(silences(first).slice(2)).toEqual(["outcomes of release 8 of website are reported again"]);
    expect(fleet.short()).toBe("running 2 6%");
    await first.stop();
    await second.stop();
  });

  test("that visitors do not reach gets no ok, and the sign place is raised, and told once", async () => {
    const fleet = new Fleet();
    const notices: string[] = [];
    const daemon = await fleet.daemon("web-1", undefined, {
      notices: {
        look() {},
        extra: (_, extra, why) => void notices.push(`${extra} ${why}`),
        close: async () => {},
      },
    });
    fleet.start("5%:1m+ok,6%:1h,100%:1m", OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    for (let second = 0; second < 8 * 60; second++) {
      for (let visitor = 0; visitor < 20; visitor++) {
        daemon.hearings.take(outcomeOf(fleet.random.fraction(), { location: "master" }));
      }
      await fleet.pass(1_000);
    }
    expect(fleet.short()).toBe("running 1 5%");
    const waits = daemon.controller.view().releases[0]?.waits.filter(({ state }) => state === "waiting");
    expect(waits?.map((wait) => `${wait.kind} ${"name" in wait ? wait.name : ""}`)).toEqual([
      "ok ",
      "sign place",
    ]);
    const told = daemon.log.at("warn").filter(({ message }) => message.includes("sign"));
    expect(told).toMatchObject([
      {
        message: "release 8 of website is held back: the judge raised the sign place",
        fields: {
          means: MEANING,
          remedy: `look for the cause; if it is well, clear the sign: ${CLEAR}`,
        },
      },
    ]);
    expect(notices).toEqual([`sign_place ${MEANING}; if it is well: ${CLEAR}`]);
    const { judged } = daemon.controller.view().releases[0] ?? {};
    expect(judged).toMatchObject({
      ...{ kind: "watch", isSilent: false },
      signs: [{ name: "place", isCleared: false }],
    });
    expect(judged?.blocks[0]).toStartWith("0 of the canary's ");
    await daemon.stop();
  });
});
