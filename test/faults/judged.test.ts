/**
 * Real daemons on one file, which hear outcomes by UDP and judge a release: an attacker, the speed of the
 * rescue, and a store that is away at the moment of the verdict.
 */

import { afterAll, describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { covers } from "../../src/circle.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/port.ts";
import { PROGRAM } from "../support/program.ts";

const SHARE = 0.05;
const PLAN = "5%:1h,100%:1h";

/** The first outcomes of a step do not count for ten seconds. */
const GRACE_MS = 11_000;

/** An attack has as long to do harm: the news goes round in two seconds. */
const ATTACK_MS = 6_000;

/** The bound is 5 s. The machine that runs the tests may be busy. */
const RESCUE_MS_MAX = 15_000;

const udp = createSocket("udp4");
afterAll(() => {
  udp.close();
});

class Member {
  readonly home: DaemonHome;
  readonly port: number;
  daemon: DaemonProcess | undefined;

  constructor(home: DaemonHome, port: number) {
    this.home = home;
    this.port = port;
  }

  /** @param network the visitor's address is in this /24 */
  report(assignment: number, status: number, network: number): void {
    const source = `10.${network >> 8}.${network & 255}.1`;
    udp.send(`website canary ${assignment} ${status} 0.010 1 source=${source}`, this.port, "127.0.0.1");
  }
}

async function fleetOf(count: number): Promise<readonly [Member, ...Member[]]> {
  const port = await freePort();
  const flags = (own: number, name: string) => [
    "-releases",
    "on",
    "-outcomes",
    `127.0.0.1:${own}`,
    "-name",
    name,
  ];
  const first = new Member(new DaemonHome({ records: { canary: 0 }, flags: flags(port, "web-1") }), port);
  const members: [Member, ...Member[]] = [first];
  while (members.length < count) {
    const own = await freePort();
    const store = `file:${first.home.storePath}`;
    members.push(new Member(new DaemonHome({ store, flags: flags(own, `web-${members.length + 1}`) }), own));
  }
  for (const member of members) member.daemon = await member.home.start();
  return members;
}

/** Starts a release, and waits until its outcomes count. Returns the offset of its arc. */
async function release({ home, daemon }: Member): Promise<number> {
  const flags = ["-config", "none", "-store", `file:${home.storePath}`, "-application", home.application];
  const words = [PROGRAM, "release", "canary", PLAN, "-of", "v42", "-m", "test", ...flags];
  const child = Bun.spawn(words, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const said = await new Response(child.stderr).text();
  expect([await child.exited, said]).toEqual([0, expect.anything()]);
  const { offset } = recordOf(home);
  await daemon?.follows("canary", SHARE, offset);
  await Bun.sleep(GRACE_MS);
  return offset;
}

interface Judged {
  readonly rollout: number;
  readonly offset: number;
  readonly release: { readonly state: string; readonly reason?: string };
}

function recordOf({ storePath, application }: DaemonHome): Judged {
  // The test wrote this file, or a daemon of this program did.
  return JSON.parse(readFileSync(storePath, "utf8"))[application].canary as Judged;
}

/** The n-th visitor of the canary's arc. */
function visitorAt(offset: number, n: number): number {
  const assignment = Number(((offset + 0.001 + n * 0.0011) % 1).toFixed(6));
  expect(covers(offset, SHARE, assignment)).toBe(true);
  return assignment;
}

describe("daemons that judge", () => {
  test("a fleet of five heeds no attacker of one network, and takes a bad canary back in seconds", async () => {
    const members = await fleetOf(5);
    const [first] = members;
    try {
      const offset = await release(first);
      for (let n = 0; n < 20; n++) members[n % 5]?.report(visitorAt(offset, n), 500, 7);
      for (const { port } of members)
        udp.send(`<13>\u0000 website canary 9 \n\n markup <b>`, port, "127.0.0.1");
      await Bun.sleep(ATTACK_MS);
      expect(recordOf(first.home)).toMatchObject({ rollout: SHARE, release: { state: "running" } });

      for (let n = 20; n < 23; n++) members[n % 5]?.report(visitorAt(offset, n), 500, n);
      const beganMs = performance.now();
      await eventually(
        async () => {
          const at = await Promise.all(members.map(({ home }) => home.ask(String(visitorAt(offset, 40)))));
          return at.every((location) => location === "master");
        },
        "all daemons serve master",
        RESCUE_MS_MAX,
      );
      console.log(`rescue in a fleet of five: ${Math.round(performance.now() - beganMs)} ms`);
      const { reason } = recordOf(first.home).release;
      expect(reason).toContain("visitors who met errors were the canary's");
      const verdicts = members.map(({ daemon }) => daemon?.log.split("a verdict takes the visitors").length);
      expect(Math.max(...verdicts.map((count) => count ?? 0))).toBeLessThanOrEqual(2);
    } finally {
      for (const { home, daemon } of members) {
        await daemon?.end("SIGKILL");
        home.remove();
      }
    }
  }, 120_000);

  test("a daemon whose store is away serves master at once, also after a kill, and the record follows", async () => {
    const [member] = await fleetOf(1);
    const { home } = member;
    try {
      const offset = await release(member);
      const text = readFileSync(home.storePath, "utf8");
      home.loseStore();
      const beganMs = performance.now();
      for (let n = 0; n < 3; n++) member.report(visitorAt(offset, n), 500, n);
      const visitor = String(visitorAt(offset, 30));
      await eventually(async () => (await home.ask(visitor)) === "master", "the override", RESCUE_MS_MAX);
      console.log(`rescue without the store: ${Math.round(performance.now() - beganMs)} ms`);
      const isLogged = () => member.daemon?.log.includes("a verdict takes the visitors of a release back");
      await eventually(() => isLogged() === true, "the line of the log", RESCUE_MS_MAX);
      await Bun.sleep(1_000);
      await member.daemon?.end("SIGKILL");
      member.daemon = await home.startStale();
      expect(await home.ask(visitor)).toBe("master");
      home.replace(text);
      await eventually(() => recordOf(home).release.state === "aborted", "the record", RESCUE_MS_MAX);
      expect(recordOf(home).rollout).toBe(0);
    } finally {
      await member.daemon?.end("SIGKILL");
      home.remove();
    }
  }, 120_000);
});
