/**
 * Real daemons on one file, which hear outcomes by UDP and judge a release: an attacker, the speed of the
 * rescue, and a store that is away at the moment of the verdict.
 */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { eventually } from "../support/eventually.ts";
import { judgesOf, RESCUE_MS_MAX, rescued, SHARE, visitorAt } from "../support/judges.ts";

/** An attack has as long to do harm: the news goes round in two seconds. */
const ATTACK_MS = 6_000;

describe("daemons that judge", () => {
  test("a fleet of five heeds no attacker of one network, and takes a bad canary back in seconds", async () => {
    const members = await judgesOf(5);
    const [first] = members;
    try {
      for (let n = 0; n < 20; n++) members[n % 5]?.report(visitorAt(n), { status: 500, network: 7 });
      for (const member of members) member.send(`<13>\u0000 website canary 9 \n\n markup <b>`);
      await Bun.sleep(ATTACK_MS);
      expect(first.record).toMatchObject({ rollout: SHARE, release: { state: "running" } });

      for (let n = 20; n < 23; n++) members[n % 5]?.report(visitorAt(n), { status: 500, network: n });
      const beganMs = performance.now();
      await rescued(members);
      console.log(`rescue in a fleet of five: ${Math.round(performance.now() - beganMs)} ms`);
      await eventually(() => first.isAborted(), "the record", RESCUE_MS_MAX);
      expect(first.record.release.reason).toContain("visitors who met errors were the canary's");
      const verdicts = members.map(({ daemon }) => daemon.log.split("a verdict takes the visitors").length);
      expect(Math.max(...verdicts)).toBeLessThanOrEqual(2);
    } finally {
      for (const member of members) await member.stop();
    }
  }, 120_000);

  test("a daemon whose store is away serves master at once, also after a kill, and the record follows", async () => {
    const [member] = await judgesOf(1);
    const { home } = member;
    try {
      const text = readFileSync(home.storePath, "utf8");
      home.loseStore();
      const beganMs = performance.now();
      for (let n = 0; n < 3; n++) member.report(visitorAt(n), { status: 500, network: n });
      const visitor = String(visitorAt(30));
      await eventually(async () => (await home.ask(visitor)) === "master", "the override", RESCUE_MS_MAX);
      console.log(`rescue without the store: ${Math.round(performance.now() - beganMs)} ms`);
      const isLogged = () => member.daemon.log.includes("a verdict takes the visitors of a release back");
      await eventually(isLogged, "the line of the log", RESCUE_MS_MAX);
      await Bun.sleep(1_000);
      await member.startAgain(false);
      expect(await home.ask(visitor)).toBe("master");
      home.replace(text);
      await eventually(() => member.isAborted(), "the record", RESCUE_MS_MAX);
      expect(member.record.rollout).toBe(0);
      expect(member.record.release.log.filter(([, , state]) => state === "aborted").length).toBe(1);
    } finally {
      await member.stop();
    }
  }, 120_000);
});
