/**
 * The client and the daemon, in a process of its own: killed, stopped, restarted under load, replaced while
 * it hangs.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { assignmentOfKey } from "../../src/assignment.ts";
import { Client, type ClientOptions, type Decision } from "../../src/client/client.ts";
import { PAUSE_MS } from "../../src/client/pause.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/port.ts";
import { Random } from "../support/random.ts";

const ROLLOUT = 0.25;
const PATIENT_MS = 5_000;
const MIB = 2 ** 20;

let home: DaemonHome;
let daemon: DaemonProcess;
const clients: Client[] = [];

beforeAll(async () => {
  home = new DaemonHome({ records: { canary: ROLLOUT }, flags: ["-allow-force"] });
  daemon = await home.start();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  daemon.signal("SIGCONT");
  await daemon.end("SIGKILL");
  home.remove();
});

function clientOf(options: ClientOptions = {}): Client {
  const client = new Client({ address: `unix:${home.socket}`, ...options });
  clients.push(client);
  return client;
}

/** Whether the decision can be right for a visitor with `assignment`. */
function isRight(decision: Decision, assignment: string): boolean {
  const location = decision.isDecided && Number(assignment) < ROLLOUT ? "canary" : "master";
  return decision.location === location && Number(decision.assignment) === Number(assignment);
}

/** Visitors without a pause, until `stop`: the wrong decisions among theirs, and the longest wait. */
function load(client: Client, concurrency: number) {
  const random = new Random();
  const wrong: string[] = [];
  let isOver = false;
  let longestMs = 0;
  let count = 0;
  const visitor = async () => {
    while (!isOver) {
      const assignment = `0.${random.digits(random.whole(1, 17))}`;
      const beganMs = performance.now();
      const decision = await client.decide({ assignment });
      longestMs = Math.max(longestMs, performance.now() - beganMs);
      count++;
      if (!isRight(decision, assignment)) wrong.push(`${assignment}: ${JSON.stringify(decision)}`);
      // Decisions without a wait must not keep the event loop from turning.
      if (!decision.isDecided) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const all = Promise.all(Array.from({ length: concurrency }, visitor));
  return {
    async stop() {
      isOver = true;
      await all;
      return { wrong, longestMs, count, seed: random.seed };
    },
  };
}

test("over a unix socket and over TCP, each visitor gets the version of its assignment", async () => {
  const port = await freePort();
  const overTcp = new DaemonHome({
    records: { canary: ROLLOUT },
    flags: ["-listen", `tcp:127.0.0.1:${port}`],
  });
  const second = await overTcp.start();
  try {
    for (const address of [`unix:${home.socket}`, `tcp:127.0.0.1:${port}`]) {
      const client = clientOf({ address, timeoutMs: PATIENT_MS });
      const random = new Random();
      const assignments = Array.from({ length: 10_000 }, () => String(random.fraction()));
      const decisions = await Promise.all(assignments.map((assignment) => client.decide({ assignment })));
      const wrong = assignments.filter((assignment, i) => {
        const decision = decisions[i];
        return !decision?.isDecided || !isRight(decision, assignment);
      });
      expect(wrong, `SEED=${random.seed}`).toEqual([]);

      const fresh = await Promise.all(Array.from({ length: 1000 }, () => client.decide()));
      expect(new Set(fresh.map(({ assignment }) => assignment)).size).toBe(1000);
      expect(client.stats).toMatchObject({ decided: 11_000, connections: 1 });
    }
  } finally {
    await second.end("SIGKILL");
    overTcp.remove();
  }
});

test("application, key and force are obeyed", async () => {
  const client = clientOf({ timeoutMs: PATIENT_MS });
  const key = 'user 1=2 % \n é "\u0000 😀';
  expect(Number((await client.decide({ key })).assignment)).toBe(assignmentOfKey(key));
  expect((await client.decide({ assignment: "0.9", force: "always" })).location).toBe("canary");
  expect((await client.decide({ assignment: "0.1", application: "nobody's" })).location).toBe("master");
  // It has only characters of a number, and is out of range: invalid, so the daemon draws one and says
  // master.
  const invalid = await client.decide({ assignment: "1.5" });
  expect([invalid.isDecided, invalid.location, Number(invalid.assignment) < 1]).toEqual([
    true,
    "master",
    true,
  ]);
});

test("law 4: killed and restarted under load, the daemon costs no visitor an error or another visitor's answer", async () => {
  const client = clientOf();
  const visitors = load(client, 32);
  for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL"] as const) {
    const { decided } = client.stats;
    await eventually(() => client.stats.decided > decided + 1000, "decisions");
    await daemon.end(signal);
    daemon = await home.start();
  }
  const { decided } = client.stats;
  await eventually(() => client.stats.decided > decided + 1000, "decisions of the last daemon");
  const { wrong, seed } = await visitors.stop();
  expect(wrong, `SEED=${seed}`).toEqual([]);
});

test("law 4: after a restart, decisions come as soon as the daemon answers again", async () => {
  const client = clientOf({ timeoutMs: PATIENT_MS });
  const visitors = load(client, 32);
  await eventually(() => client.stats.decided > 1000, "decisions");
  await daemon.end("SIGTERM");
  await eventually(() => client.stats.undecided.paused > 100, "the loss to be noticed");
  daemon = await home.start();
  const { decided } = client.stats;
  const sinceMs = performance.now();
  await eventually(() => client.stats.decided > decided, "decisions again");
  expect(performance.now() - sinceMs).toBeLessThan(PAUSE_MS / 2);
  expect((await visitors.stop()).wrong).toEqual([]);
});

test("law 4: if a successor takes over the socket under load, no question fails", async () => {
  const client = clientOf({ timeoutMs: PATIENT_MS });
  const visitors = load(client, 32);
  await eventually(() => client.stats.decided > 1000, "decisions");
  const successor = await home.start();
  await daemon.end("SIGTERM");
  daemon = successor;
  const { decided } = client.stats;
  await eventually(() => client.stats.decided > decided + 1000, "decisions of the successor");
  const { wrong } = await visitors.stop();
  expect(wrong).toEqual([]);
  const { undecided } = client.stats;
  expect(Object.values(undecided).reduce((sum, count) => sum + count)).toBe(0);
});

test("law 4: stopped in the middle of the load, the daemon costs a few visitors the time limit; then decisions go on", async () => {
  const client = clientOf();
  const visitors = load(client, 32);
  await eventually(() => client.stats.decided > 1000, "decisions");
  daemon.signal("SIGSTOP");
  await eventually(() => client.stats.isLost, "the loss to be noticed");
  const timedOut = client.stats.undecided.timeout;
  await eventually(() => client.stats.undecided.paused > 1000, "visitors without a wait");
  // The questions that were waiting already, and one probe a second.
  expect(client.stats.undecided.timeout - timedOut).toBeLessThan(40);
  daemon.signal("SIGCONT");
  const { decided } = client.stats;
  await eventually(() => client.stats.decided > decided + 1000, "decisions again");
  const { wrong, longestMs } = await visitors.stop();
  expect(wrong).toEqual([]);
  expect(longestMs).toBeLessThan(500);
});

test("law 4: the client leaves a daemon that hangs for ever, and finds its successor at the same socket", async () => {
  const client = clientOf();
  await eventually(async () => (await client.decide({ assignment: "0.1" })).isDecided, "a decision");
  const hanging = daemon;
  hanging.signal("SIGSTOP");
  await eventually(async () => !(await client.decide({ assignment: "0.1" })).isDecided, "the loss");
  daemon = await home.start();
  await eventually(async () => (await client.decide({ assignment: "0.1" })).isDecided, "the successor");
  await hanging.end("SIGKILL");
});

test("law 5: while the daemon hangs, the client's memory is bounded for any number of questions", async () => {
  const client = clientOf({ timeoutMs: 60_000 });
  const key = "k".repeat(4_000);
  await client.decide({ key });
  daemon.signal("SIGSTOP");
  try {
    Bun.gc(true);
    const beforeBytes = process.memoryUsage().rss;
    let highestBytes = beforeBytes;
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 1_000; i++) void client.decide({ key });
      await new Promise(setImmediate);
      highestBytes = Math.max(highestBytes, process.memoryUsage().rss);
    }
    const { undecided, waiting } = client.stats;
    expect(undecided.overloaded + waiting).toBe(40_000);
    expect(waiting).toBeLessThan(10_000);
    expect((highestBytes - beforeBytes) / MIB).toBeLessThan(200);
  } finally {
    daemon.signal("SIGCONT");
  }
});
