/** A verdict comes once, whatever dies, and is of this release alone: real daemons, killed and restarted. */

import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer, Receiver } from "../notices/receiver.ts";
import { SECRET } from "../notices/world.ts";
import { KEY } from "../releases/world.ts";
import { DaemonHome } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { begin, beginBefore, Judge, judgesOf, RESCUE_MS_MAX, rescued, visitorAt } from "../support/judges.ts";
import { freePort } from "../support/port.ts";

const LIBRARY = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
  .map((directory) => `${directory}/faketime/libfaketime.so.1`)
  .find(existsSync);
if (LIBRARY === undefined && process.env["CI"]) throw new Error("CI needs Debian's package faketime");

const HOUR_MS = 3_600_000;
const NEXT_KEY = "b".repeat(24);

/** Long enough for a wrong verdict: news goes round in two seconds, and an abort is written at once. */
const WRONG_MS = 4_000;

/** The first seconds of a step do not count. */
const GRACE_MS = 11_000;

const FLOOD = join(import.meta.dir, "../support/outcome-flood.ts");

/** The bound for an abort beside a flood. */
const FLOOD_RESCUE_MS = 5_000;

/** Another victim comes this often, as behind a canary that fails. */
const VICTIM_EACH_MS = 100;

const ROUNDS_MAX = 4;

function abortsOf(judge: Judge): number {
  return judge.record.release.log.filter(([, , state]) => state === "aborted").length;
}

/** The outcomes that it has counted, also those that it had to drop. */
async function heardBy({ daemon }: Judge): Promise<number> {
  const page = await (await fetch(`${daemon.adminUrl}/metrics`)).text();
  return page
    .split("\n")
    .filter((line) => /^maxwells_daemon_outcomes_(?:dropped_)?total\{/.test(line))
    .reduce((sum, line) => sum + Number(line.split(" ").pop()), 0);
}

test("law 14: two daemons at the same verdict write it once, and it outlasts the death of both; the next release begins without it", async () => {
  const receiver = await new Receiver(answer(200)).start();
  const env = { MAXWELLS_DAEMON_NOTIFY: receiver.url, MAXWELLS_DAEMON_NOTIFY_SECRET: SECRET };
  const judges = await judgesOf(2, { envs: [env, env] });
  const [first, second] = judges;
  const notices = () =>
    receiver.received
      .filter(({ body }) => body.includes('"release.aborted"'))
      .map(({ body }) => JSON.parse(body));
  try {
    // While the store is away, each of them reaches the verdict, and both write as soon as it is back.
    const text = readFileSync(first.home.storePath, "utf8");
    first.home.loseStore();
    for (let n = 0; n < 3; n++)
      for (const judge of judges) judge.report(visitorAt(n), { status: 500, network: n });
    await rescued(judges);
    first.home.replace(text);
    await eventually(() => first.isAborted(), "the abort", RESCUE_MS_MAX);
    for (const { daemon } of judges) expect(daemon.log).toContain("a verdict takes the visitors");
    await eventually(() => notices().length > 0, "the notice", RESCUE_MS_MAX);
    expect(abortsOf(first)).toBe(1);

    begin(first.home, { key: NEXT_KEY, seq: 10, agoMs: 0 });
    for (const { daemon } of judges) await daemon.follows("canary", 0.05);
    await Bun.sleep(GRACE_MS);
    first.report(visitorAt(0), { status: 500, network: 0 });
    first.report(visitorAt(1), { status: 500, network: 1 });
    await eventually(async () => (await first.coinsTold(NEXT_KEY)) === 2, "the evidence");
    await Bun.sleep(WRONG_MS);
    expect(first.record).toMatchObject({ rollout: 0.05, release: { state: "running" } });

    await Promise.all(judges.map((judge) => judge.startAgain()));
    second?.report(visitorAt(2), { status: 500, network: 2 });
    await rescued(judges);
    await eventually(() => first.isAborted(), "the second abort", RESCUE_MS_MAX);
    expect(first.record.release.reason).toContain("all 3 visitors who met errors were the canary's");
    expect(abortsOf(first)).toBe(1);
    await eventually(() => notices().length > 1, "the second notice", RESCUE_MS_MAX);
    const keys = notices().map(({ data }) => data.key);
    expect(keys.toSorted()).toEqual([KEY, NEXT_KEY]);
  } finally {
    for (const judge of judges) await judge.stop();
    await receiver.stop();
  }
}, 120_000);

test.skipIf(LIBRARY === undefined)(
  "law 15: daemons whose clocks are hours off neither advance a release early nor miss harm",
  async () => {
    const envOf = (FAKETIME: string) => ({
      LD_PRELOAD: LIBRARY ?? "",
      FAKETIME,
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    });
    const judges = await judgesOf(2, {
      envs: [envOf("+3h"), envOf("-3h")],
      // By the clock that is ahead, all of the step is over.
      release: { plan: "5%:5h,100%:1h", agoMs: 3 * HOUR_MS + 60_000 },
    });
    const [ahead, behind] = judges;
    try {
      await Bun.sleep(WRONG_MS);
      expect(ahead.record).toMatchObject({ rollout: 0.05, release: { state: "running", step: 1 } });
      ahead.report(visitorAt(0), { status: 500, network: 0 });
      ahead.report(visitorAt(1), { status: 500, network: 1 });
      behind?.report(visitorAt(2), { status: 500, network: 2 });
      await rescued(judges);
      await eventually(() => ahead.isAborted(), "the abort", RESCUE_MS_MAX);
      expect(abortsOf(ahead)).toBe(1);
    } finally {
      for (const judge of judges) await judge.stop();
    }
  },
  60_000,
);

test("an abort comes within 5 s beside 50 000 outcomes a second", async () => {
  const [judge] = await judgesOf(1);
  try {
    for (let round = 1; ; round++) {
      const flood = Bun.spawn([process.execPath, FLOOD, String(judge.port), "50000", "8"], {
        stdout: "pipe",
      });
      // The flood begins when the first of its reports counts.
      await Bun.sleep(500);
      const beganMs = performance.now();
      for (let n = 0; !judge.isAborted() && performance.now() - beganMs < RESCUE_MS_MAX; n++) {
        if (n < 40) judge.report(visitorAt(n), { status: 500, network: 1_000 + n });
        await Bun.sleep(VICTIM_EACH_MS);
      }
      await rescued([judge]);
      const tookMs = performance.now() - beganMs;
      flood.kill();
      console.log(`rescue beside 50 000 outcomes a second: ${Math.round(tookMs)} ms`);
      expect(judge.isAborted()).toBe(true);
      expect(await heardBy(judge)).toBeGreaterThan(10_000);
      if (round < ROUNDS_MAX && tookMs > FLOOD_RESCUE_MS) {
        await beginBefore([judge], { key: String(round).repeat(24), seq: 10 * round });
        await judge.daemon.follows("canary", 0.05);
        continue;
      }
      expect(tookMs).toBeLessThan(FLOOD_RESCUE_MS);
      break;
    }
  } finally {
    await judge.stop();
  }
}, 120_000);

test("if an operator's own store keeps no evidence, a restart forgets it, and harm is found again", async () => {
  const port = await freePort();
  const records = new DaemonHome({ records: { canary: 0 } });
  const module = join(records.directory, "own-store.ts");
  writeFileSync(
    module,
    `import { openStore } from ${JSON.stringify(join(import.meta.dir, "../../src/stores/list.ts"))};
export default async (context) => {
  const store = await openStore("file:${records.storePath}", context);
  return {
    address: store.address,
    read: (...all) => store.read(...all), watch: (...all) => store.watch(...all),
    write: (...all) => store.write(...all), close: () => store.close(),
  };
};
`,
  );
  begin(records);
  const flags = ["-releases", "on", "-outcomes", `127.0.0.1:${port}`, "-name", "web-1"];
  const home = new DaemonHome({ store: module, flags });
  const judge = new Judge(home, port);
  const isAborted = () => new Judge(records, port).isAborted();
  try {
    await judge.start();
    for (const n of [0, 1]) judge.report(visitorAt(n), { status: 500, network: n });
    await Bun.sleep(500);
    await judge.startAgain();
    judge.report(visitorAt(2), { status: 500, network: 2 });
    await Bun.sleep(WRONG_MS / 2);
    expect(isAborted()).toBe(false);
    for (const n of [3, 4]) judge.report(visitorAt(n), { status: 500, network: n });
    await eventually(isAborted, "the abort", RESCUE_MS_MAX);
    await rescued([judge]);
  } finally {
    await judge.stop();
    records.remove();
  }
}, 60_000);
