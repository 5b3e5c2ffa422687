/** The sender, with receivers on loopback and evidence that several daemons share. */

import { afterEach, describe, expect, test } from "bun:test";
import { Problem } from "../../src/config/option.ts";
import type { Told } from "../../src/evidence/news.ts";
import { Metrics } from "../../src/metrics.ts";
import { notify } from "../../src/notices/options.ts";
import { type LookedRelease, TURN_MS } from "../../src/notices/rounds.ts";
import {
  NoticeSender,
  REREAD_MS,
  type SenderOptions,
  START_MS,
  WAIT_MS_MAX,
} from "../../src/notices/sender.ts";
import { readSecret } from "../../src/notices/signature.ts";
import { turnOf } from "../../src/notices/turn.ts";
import { READ_MS, type ToldEvidence } from "../../src/notices/who-was-told.ts";
import { Placements } from "../../src/placement.ts";
import type { Release, Transition } from "../../src/releases/release.ts";
import type { EvidenceLog } from "../../src/stores/evidence.ts";
import { KEY, OTHER_KEY, releaseOf } from "../releases/world.ts";
import { eventually } from "../support/eventually.ts";
import { KeptLog } from "../support/logged.ts";
import { HandTimers } from "./hand-timers.ts";
import { answer, Receiver } from "./receiver.ts";
import { abortedRelease, idsOfLines, NOW_MS, SECRET, subjectOf } from "./world.ts";

const open: (Receiver | NoticeSender)[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) await (each instanceof Receiver ? each.stop() : each.close());
});

/** Evidence in memory. */
class SharedEvidence implements ToldEvidence {
  readonly told: (Told & EvidenceLog)[] = [];
  reads = 0;

  async read({ application, key }: EvidenceLog): Promise<readonly Told[]> {
    this.reads++;
    return this.told.filter((each) => each.application === application && each.key === key);
  }

  add(log: EvidenceLog, told: Told): void {
    this.told.push({ ...log, ...told });
  }

  async close(): Promise<void> {}

  /** The seqs and extras in their order. */
  get marks(): string[] {
    return this.told.map(({ seq, extra }) => `${seq}${extra === undefined ? "" : ` ${extra}`}`);
  }
}

async function receiver(): Promise<Receiver> {
  const started = await new Receiver(answer(200)).start();
  open.push(started);
  return started;
}

interface Setup {
  readonly sender: NoticeSender;
  readonly timers: HandTimers;
  readonly log: KeptLog;
  readonly metrics: Metrics;
}

function senderTo(addresses: readonly string[], changes: Partial<SenderOptions> = {}): Setup {
  const destinations = notify.parse(addresses);
  const key = readSecret(SECRET);
  if (destinations instanceof Problem || key instanceof Problem) throw new Error("a wrong setting");
  const [timers, log, metrics] = [new HandTimers(), new KeptLog(), new Metrics(new Placements([]))];
  const sender = new NoticeSender({
    ...{ destinations, keys: [key], transport: fetch, timers, log, metrics, own: "web-1" },
    reread: async () => undefined,
    ...{ told: new SharedEvidence(), clock: () => timers.nowMs, now: () => NOW_MS, random: () => 0.5 },
    ...changes,
  });
  open.push(sender);
  return { sender, timers, log, metrics };
}

/** A release whose lines a person wrote, so that no controller is first by itself. */
function looked(release: Release = abortedRelease(), leaders: readonly string[] = ["web-1"]): LookedRelease {
  const log = release.log.map(
    ([seq, atMs, state, step, rollout]): Transition => [seq, atMs, state, step, rollout, "ada@web-9"],
  );
  return lookedAt({ ...release, log }, leaders);
}

/** The same with its authors. Its last step and its end are by web-2. */
function lookedAt(release: Release, leaders: readonly string[]): LookedRelease {
  return { ...subjectOf(release), leaders: () => leaders };
}

const idsOf = ({ received }: Receiver) => received.map(({ headers }) => headers["webhook-id"]);

const WAIT_MS = WAIT_MS_MAX / 2;

describe("a controller", () => {
  test("tells each line of the log, and marks it in the evidence", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    const { sender, timers, metrics } = senderTo([to.url], { told });
    sender.look(looked());
    expect(to.received).toEqual([]);
    await timers.pass(WAIT_MS);
    await eventually(() => told.told.length === 4, "all are told");
    expect(idsOf(to)).toEqual(idsOfLines(1, 2, 3, 4));
    expect(told.told).toMatchObject([1, 2, 3, 4].map((seq) => ({ application: "website", key: KEY, seq })));
    expect(metrics.notices).toMatchObject([{ sent: 4, failed: 0, waiting: 0 }]);
  });

  test("costs nothing at further looks at the same transition", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    const { sender, timers } = senderTo([to.url], { told });
    for (let at = 0; at < 1_000; at++) sender.look(looked());
    expect(timers.running).toEqual([WAIT_MS]);
    await timers.pass(WAIT_MS);
    await eventually(() => told.told.length === 4, "all are told");
    for (let at = 0; at < 1_000; at++) sender.look(looked());
    expect([timers.running, told.reads, to.received.length]).toEqual([[], 1, 4]);
  });

  test("tells a later transition by its own", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    const { sender, timers } = senderTo([to.url], { told });
    for (const lines of [1, 2, 3, 4]) {
      sender.look(looked(abortedRelease(lines)));
      await timers.pass(lines === 1 ? START_MS + WAIT_MS : WAIT_MS);
      await eventually(() => told.told.length === lines, "it is told");
    }
    expect(idsOf(to)).toEqual(idsOfLines(1, 2, 3, 4));
  });

  test("tells what happened while it waited", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    const { sender, timers } = senderTo([to.url], { told });
    sender.look(looked(abortedRelease(2)));
    await timers.pass(WAIT_MS / 2);
    sender.look(looked(abortedRelease(3)));
    await timers.pass(WAIT_MS / 2);
    await eventually(() => told.told.length === 3, "all are told");
    expect([idsOf(to), told.reads]).toEqual([idsOfLines(1, 2, 3), 1]);
  });

  test("does nothing for a release whose last transition is older than a day", async () => {
    const told = new SharedEvidence();
    const { sender, timers } = senderTo(["slack+http://127.0.0.1:1/x"], {
      told,
      now: () => NOW_MS + 86_400_000,
    });
    sender.look(looked());
    expect([timers.running, told.reads]).toEqual([[], 0]);
  });

  test("does nothing without addresses", () => {
    const { sender, timers } = senderTo([]);
    sender.look(looked());
    sender.extra(looked(), "stuck");
    expect(timers.running).toEqual([]);
  });
});

describe("a daemon that dies", () => {
  test("between its write and its notice costs no notice: the next controller tells it", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    const first = senderTo([to.url], { told });
    first.sender.look(looked());
    await first.sender.close();
    await first.timers.pass(60_000);
    expect(to.received).toEqual([]);
    const second = senderTo([to.url], { told, own: "web-2" });
    second.sender.look(looked());
    await second.timers.pass(WAIT_MS);
    await eventually(() => told.told.length === 4, "all are told");
  });

  test("and starts again tells only what was not told", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    const first = senderTo([to.url], { told });
    first.sender.look(looked(abortedRelease(3)));
    await first.timers.pass(WAIT_MS);
    await eventually(() => told.told.length === 3, "three are told");
    const second = senderTo([to.url], { told });
    second.sender.look(looked());
    await second.timers.pass(WAIT_MS);
    await eventually(() => told.told.length === 4, "the last one is told");
    expect(idsOf(to)).toEqual(idsOfLines(1, 2, 3, 4));
  });
});

describe("several controllers", () => {
  const NAMES = ["web-1", "web-2", "web-3"];

  /** Lets all of them look at a release at the same time, and time pass together. */
  async function lookTogether(own: readonly string[], to: Receiver, told: ToldEvidence, release: Release) {
    const setups = own.map((name, at) => senderTo([to.url], { told, own: name, random: () => at / 3 }));
    for (const { sender } of setups) sender.look(lookedAt(release, NAMES));
    for (let ms = 0; ms < 4 * TURN_MS; ms += 500) {
      for (const { timers } of setups) await timers.pass(500);
      // The answers come by real connections.
      await eventually(() => setups.every(({ metrics }) => metrics.notices[0]?.waiting === 0), "none waits");
    }
  }

  test("tell each transition once", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    await lookTogether(NAMES, to, told, abortedRelease());
    expect(idsOf(to)).toEqual(idsOfLines(1, 2, 3, 4));
    expect(told.marks).toEqual(["1", "2", "3", "4"]);
  });

  test("tell it although the first of them is gone", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    // web-2 wrote the last line, so it would be the first.
    await lookTogether(["web-1", "web-3"], to, told, abortedRelease());
    expect(told.marks).toEqual(["1", "2", "3", "4"]);
  });

  test("wait with the start of a release until they know each other", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    const { sender, timers } = senderTo([to.url], { told, own: "web-2" });
    let leaders = ["web-2"];
    sender.look({ ...subjectOf(abortedRelease(1)), leaders: () => leaders });
    await timers.pass(START_MS);
    // Another one turns out to be there. For this notice it goes first.
    const [id = ""] = idsOfLines(1);
    const names = Array.from({ length: 60 }, (_, index) => `web-${index + 3}`);
    const first = names.find((name) => turnOf("web-2", ["web-2", name], id, "ada@web-1") === 1) ?? "";
    leaders = ["web-2", first];
    expect(turnOf(first, leaders, id, "ada@web-1")).toBe(0);
    await timers.pass(WAIT_MS + TURN_MS - 1);
    expect(told.reads).toBe(0);
    await timers.pass(1);
    await eventually(() => told.told.length === 1, "it is told");
  });

  test("leave it to the writer, which does not wait", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    const { sender, timers } = senderTo([to.url], { told, own: "web-2" });
    sender.look(lookedAt(abortedRelease(), NAMES));
    await timers.pass(0);
    await eventually(() => told.told.length === 4, "all are told");
    expect(timers.nowMs).toBe(0);
  });

  test("with different addresses tell each address", async () => {
    const [common, second, told] = [await receiver(), await receiver(), new SharedEvidence()];
    const one = senderTo([common.url], { told });
    one.sender.look(looked(abortedRelease(), ["web-1", "web-2"]));
    await one.timers.pass(WAIT_MS + TURN_MS);
    await eventually(() => told.told.length === 4, "the common address has all");
    const two = senderTo([common.url, second.url], { told, own: "web-2" });
    two.sender.look(looked(abortedRelease(), ["web-1", "web-2"]));
    await two.timers.pass(WAIT_MS);
    await eventually(() => told.told.length === 8, "the other address has all too");
    expect([common.received.length, second.received.length]).toEqual([4, 4]);
  });
});

test("an address that is away holds up no other, and is told by itself", async () => {
  const [away, to, told] = [await receiver(), await receiver(), new SharedEvidence()];
  away.behaviours = [answer(503)];
  const { sender, timers, metrics } = senderTo([away.url, to.url], { told });
  sender.look(looked());
  await timers.pass(WAIT_MS);
  await eventually(() => metrics.notices[1]?.sent === 4, "the other one has all");
  expect(metrics.notices).toMatchObject([
    { sent: 0, waiting: 4 },
    { sent: 4, waiting: 0 },
  ]);
  away.behaviours = [answer(200)];
  await timers.fire((ms) => ms < WAIT_MS, "the pause after a failure");
  await eventually(() => told.told.length === 8, "both have all");
});

describe("the evidence", () => {
  test("that hangs does not hold up a notice, and the log says what may follow", async () => {
    const to = await receiver();
    const told: ToldEvidence = { read: () => new Promise(() => {}), add() {}, close: async () => {} };
    const { sender, timers, log } = senderTo([to.url], { told });
    sender.look(looked());
    await timers.pass(WAIT_MS + READ_MS);
    await eventually(() => to.received.length === 4, "all are sent");
    expect(log.at("warn")).toMatchObject([
      { message: expect.stringContaining("a notice may come twice"), fields: { application: "website" } },
    ]);
  });

  test("that fails does not either", async () => {
    const to = await receiver();
    const told: ToldEvidence = {
      read: () => Promise.reject(new Error("away")),
      add() {},
      close: async () => {},
    };
    const { sender, timers, log } = senderTo([to.url], { told });
    sender.look(looked());
    await timers.pass(WAIT_MS);
    await eventually(() => to.received.length === 4, "all are sent");
    expect(log.at("warn")).toMatchObject([{ fields: { error: "away" } }]);
  });

  test("that a store does not have: only what is news to this process is told", async () => {
    const to = await receiver();
    const { sender, timers } = senderTo([to.url], { told: undefined });
    sender.look(looked());
    await timers.pass(WAIT_MS);
    await eventually(() => to.received.length === 1, "the last one is sent");
    expect(idsOf(to)).toEqual(idsOfLines(4));
  });
});

describe("a release that is over, whose log the store left out,", () => {
  const bare = { ...abortedRelease(), log: [], arcs: [] };

  test("is read again with its log", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    const asked: string[] = [];
    const { sender, timers } = senderTo([to.url], {
      told,
      async reread(application, version) {
        asked.push(`${application} ${version}`);
        return abortedRelease();
      },
    });
    for (let at = 0; at < 100; at++) sender.look(looked(bare));
    await timers.pass(WAIT_MS);
    await eventually(() => timers.running.includes(TURN_MS), "it leaves it to the writer");
    await timers.pass(TURN_MS);
    await eventually(() => told.told.length === 4, "all are told");
    expect([asked, idsOf(to)]).toEqual([["website canary"], idsOfLines(1, 2, 3, 4)]);
  });

  test.each<[string, SenderOptions["reread"]]>([
    ["fails", () => Promise.reject(new Error("away"))],
    ["has another release now", async () => ({ ...abortedRelease(), key: OTHER_KEY })],
    ["hangs", () => new Promise(() => {})],
  ])("has the notice of its end alone if the store %s", async (_, reread) => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    const { sender, timers } = senderTo([to.url], { told, reread });
    sender.look(looked(bare));
    await timers.pass(WAIT_MS + READ_MS);
    await eventually(() => told.told.length === 1, "the end is told");
    expect(JSON.parse(to.received[0]?.body ?? "")).toMatchObject({
      ...{ type: "release.aborted", data: { id: idsOfLines(4)[0], by: null, severity: "critical" } },
    });
  });
});

describe("if the store does not answer, a release whose log it left out", () => {
  const bare = { ...abortedRelease(), log: [], arcs: [] };

  test("has its other notices later, each once", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    let isAway = true;
    const { sender, timers } = senderTo([to.url], {
      told,
      async reread() {
        if (isAway) throw new Error("away");
        return abortedRelease();
      },
    });
    sender.look(looked(bare));
    await timers.pass(WAIT_MS);
    await eventually(() => told.told.length === 1, "the end is told");
    await eventually(() => timers.running.includes(REREAD_MS), "it waits for the store");
    await timers.pass(REREAD_MS);
    await eventually(() => timers.running.includes(REREAD_MS), "it waits again");
    isAway = false;
    await timers.pass(REREAD_MS);
    await eventually(() => timers.running.includes(TURN_MS), "it leaves it to the writer");
    await timers.pass(TURN_MS);
    await eventually(() => told.told.length === 4, "all are told");
    expect(idsOf(to).sort()).toEqual(idsOfLines(1, 2, 3, 4));
    expect(timers.running).toEqual([]);
  });

  test("has no notice of a step of its fade that comes while it waits for the others", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    const reread = async () => {
      throw new Error("away");
    };
    const { sender, timers } = senderTo([to.url], { told, reread });
    sender.look(lookedAt(abortedRelease(), ["web-1", "web-2"]));
    await timers.pass(WAIT_MS);
    await eventually(() => timers.running.includes(TURN_MS), "it leaves it to the writer");
    sender.look(looked({ ...bare, seq: 9, fade: [0.25, NOW_MS, 60_000] }));
    await timers.pass(TURN_MS);
    await eventually(() => timers.running.includes(REREAD_MS), "it waits for the store");
    expect(idsOf(to)).toEqual([]);
  });

  test("has no notice of a step of its fade", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    let isAway = true;
    const { sender, timers } = senderTo([to.url], {
      told,
      async reread() {
        if (isAway) throw new Error("away");
        return abortedRelease();
      },
    });
    sender.look(looked({ ...bare, seq: 9, fade: [0.25, NOW_MS, 60_000] }));
    await timers.pass(WAIT_MS);
    await eventually(() => timers.running.includes(REREAD_MS), "it waits for the store");
    expect(idsOf(to)).toEqual([]);
    isAway = false;
    await timers.pass(REREAD_MS);
    await eventually(() => timers.running.includes(TURN_MS), "it leaves it to the writer");
    await timers.pass(TURN_MS);
    await eventually(() => told.told.length === 4, "all are told");
    expect(idsOf(to)).toEqual(idsOfLines(1, 2, 3, 4));
  });
});

describe("after a fall back of the store", () => {
  test("another transition with the same seq has its notice too", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    const { sender, timers } = senderTo([to.url], { told });
    sender.look(looked(abortedRelease(3)));
    await timers.pass(WAIT_MS);
    await eventually(() => told.told.length === 3, "all are told");
    // Another daemon wrote another third transition, later.
    const { log } = abortedRelease(3);
    const again = log.map(
      ([seq, atMs, ...rest]): Transition => (seq === 3 ? [seq, atMs + 1, ...rest] : [seq, atMs, ...rest]),
    );
    sender.look(looked(abortedRelease(3, { log: again })));
    await timers.pass(WAIT_MS);
    await eventually(() => told.told.length === 4, "the other one is told");
    expect(told.marks).toEqual(["1", "2", "3", "3"]);
    expect(new Set(idsOf(to)).size).toBe(4);
  });
});

describe("notices about a state", () => {
  const promoted = looked(releaseOf({ state: "promoted", step: 4, wrote: [1, 0.25], seq: 6, log: [] }));
  const SINCE_MS = Date.parse(promoted.release.since);

  test("are sent once, however often the state is seen", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    const { sender, timers } = senderTo([to.url], { told, now: () => NOW_MS + 100 * 86_400_000 });
    for (let at = 0; at < 100; at++) sender.extra(promoted, "bake_over");
    await timers.pass(WAIT_MS);
    await eventually(() => told.told.length === 1, "it is told");
    for (let at = 0; at < 100; at++) sender.extra(promoted, "bake_over");
    expect([timers.running, idsOf(to), told.marks]).toEqual([
      [],
      [`${KEY}-bake_over-6-${SINCE_MS}`],
      ["6 bake_over"],
    ]);
  });

  test("are not sent again by a daemon that starts later", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    told.add(
      { application: "website", key: KEY },
      { kind: "told", seq: 6, atMs: SINCE_MS, extra: "harm", to: "00000000" },
    );
    const first = senderTo([to.url], { told, now: () => NOW_MS + 100 * 86_400_000 });
    first.sender.extra(promoted, "harm", "errors: 9 of 12");
    await first.timers.pass(WAIT_MS);
    await eventually(() => told.told.length === 2, "it is told");
    const second = senderTo([to.url], { told, now: () => NOW_MS + 100 * 86_400_000 });
    second.sender.extra(promoted, "harm", "errors: 9 of 12");
    await second.timers.pass(WAIT_MS);
    await eventually(() => second.timers.running.length === 0, "the round is over");
    expect(idsOf(to)).toEqual([`${KEY}-harm-6-${SINCE_MS}`]);
    expect(JSON.parse(to.received[0]?.body ?? "")).toMatchObject({ data: { why: "errors: 9 of 12" } });
  });

  test("come with the transitions of the same release", async () => {
    const [to, told] = [await receiver(), new SharedEvidence()];
    const { sender, timers } = senderTo([to.url], { told });
    sender.look(looked(abortedRelease(3)));
    sender.extra(looked(abortedRelease(3)), "stuck", "the zone is unknown");
    sender.extra(looked(abortedRelease(3)), "nobody_leads");
    await timers.pass(WAIT_MS);
    await eventually(() => told.told.length === 5, "all are told");
    expect(told.marks).toEqual(["1", "2", "3", "3 stuck", "3 nobody_leads"]);
  });
});

test("lines that the log dropped are counted once, and the log says so", async () => {
  const [to, told] = [await receiver(), new SharedEvidence()];
  const { sender, timers, metrics, log } = senderTo([to.url], { told });
  sender.look(looked(abortedRelease(1)));
  await timers.pass(START_MS + WAIT_MS);
  await eventually(() => told.told.length === 1, "the first one is told");
  const cut = { ...abortedRelease(), log: abortedRelease().log.slice(3) };
  sender.look(looked(cut));
  sender.extra(looked(cut), "stuck");
  await timers.pass(WAIT_MS);
  await eventually(() => told.told.length === 3, "the last one is told");
  expect(metrics.notices).toMatchObject([{ sent: 3, failed: 2 }]);
  expect(log.at("error")).toMatchObject([{ fields: { application: "website", count: 2 } }]);
});

test("two releases do not wait for each other", async () => {
  const [to, told] = [await receiver(), new SharedEvidence()];
  const { sender, timers } = senderTo([to.url], { told });
  sender.look(looked(abortedRelease(4), ["web-1", "web-2"]));
  sender.look({ ...looked({ ...abortedRelease(2), key: OTHER_KEY }), application: "shop" });
  await timers.pass(WAIT_MS);
  await eventually(() => told.told.length === 2, "the other one is told");
  expect(new Set(told.told.map(({ application }) => application))).toEqual(new Set(["shop"]));
});
