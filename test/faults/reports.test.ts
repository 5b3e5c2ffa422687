/**
 * Reports that stop, and reports of a proxy that does not do its work: a real daemon gives no `ok`, and says
 * why. The store has all that a fleet heard minutes ago, so that no test has to last for minutes.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { covers } from "../../src/circle.ts";
import { batchesOf } from "../../src/evidence/batches.ts";
import type { News } from "../../src/evidence/news.ts";
import { ReleaseEvidence } from "../../src/evidence/release-evidence.ts";
import { emptyOutcome } from "../../src/intake/outcome.ts";
import type { Release } from "../../src/releases/release.ts";
import { openStore } from "../../src/stores/list.ts";
import { answer, Receiver } from "../notices/receiver.ts";
import { SECRET } from "../notices/world.ts";
import { eventually } from "../support/eventually.ts";
import {
  beginBefore,
  begunRelease,
  type Judge,
  judgesOf,
  OFFSET,
  SHARE,
  visitorAt,
} from "../support/judges.ts";

const MINUTE_MS = 60_000;

/** Enough for `ok` without errors. */
const VISITORS = 2_000;

const GOLDEN = (Math.sqrt(5) - 1) / 2;

const PLAN = { plan: "5%:1s+ok,6%:1h,100%:1h", agoMs: 20 * MINUTE_MS };

/** Longer than the step and the spread of controllers. */
const ADVANCED_MS = 5_000;

/** Without a victim, a controller weighs its evidence each 15 s at least. */
const TOLD_MS = 30_000;

let judge: Judge;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await new Receiver(answer(200)).start();
  const env = { MAXWELLS_DAEMON_NOTIFY: receiver.url, MAXWELLS_DAEMON_NOTIFY_SECRET: SECRET };
  [judge] = await judgesOf(1, { envs: [env], release: { key: "a".repeat(24) } });
});

afterAll(async () => {
  await judge.stop();
  await receiver.stop();
});

const assignmentOf = (visitor: number) => Number(((visitor * GOLDEN) % 1).toFixed(6));
const locationOf = (assignment: number) => (covers(OFFSET, SHARE, assignment) ? "canary" : "master");

/** The fleet heard sound visitors from ten minutes ago until some minutes ago, and told all of it. */
async function heardBefore(
  release: Release,
  untilMinutes: number,
  more: readonly News[] = [],
): Promise<void> {
  const evidence = new ReleaseEvidence({ release, from: "before", name: "web-1" });
  const [fromMs, untilMs] = [Date.now() - 10 * MINUTE_MS, Date.now() - untilMinutes * MINUTE_MS];
  for (let visitor = 0; visitor < VISITORS; visitor++) {
    const assignment = assignmentOf(visitor);
    const outcome = {
      ...{ ...emptyOutcome(), application: "website", location: locationOf(assignment), assignment },
      ...{ status: 200, isBrought: true },
    };
    evidence.take(outcome, fromMs + (visitor / VISITORS) * (untilMs - fromMs));
  }
  const store = await openStore(`file:${judge.home.storePath}`, {
    ...{ table: "", region: "", environment: {}, warn: () => {} },
  });
  const at = { application: "website", key: release.key };
  for (;;) {
    const news = evidence.news(untilMs + 2 * MINUTE_MS);
    if (news.length === 0) break;
    await store.evidence?.append(at, batchesOf(news), AbortSignal.timeout(5_000));
    evidence.taken(news);
  }
  if (more.length > 0) await store.evidence?.append(at, batchesOf(more), AbortSignal.timeout(5_000));
  await store.close();
}

/** A release, in which the fleet has heard visitors before. */
async function released(key: string, untilMinutes: number, more: readonly News[] = []): Promise<void> {
  const release = begunRelease({ ...PLAN, key });
  await heardBefore(release, untilMinutes, more);
  await beginBefore([judge], release);
  await eventually(async () => (await lead())?.judge?.visitors === VISITORS, "the visitors of before");
}

const lead = async () => (await judge.daemon.state()).applications[0]?.releases?.[0]?.lead;

const logged = (text: string) => eventually(() => judge.daemon.log.includes(text), text, TOLD_MS);

async function status(): Promise<string> {
  const flags = ["-admin", (judge.daemon.adminUrl ?? "").replace("http://", ""), "-config", "none"];
  const child = Bun.spawn([judge.home.command[0] ?? "", "status", ...flags], {
    stdout: "pipe",
    stderr: "pipe",
  });
  return await new Response(child.stdout).text();
}

test("law 12: if reports stop in the middle of a step, it is told, and no step is ok until they come again", async () => {
  const sinceMs = Date.now() - 6 * MINUTE_MS;
  await released("b".repeat(24), 6, [
    { kind: "reporter", from: "other", name: "web-2", outcomes: 500, lastMs: sinceMs, isQuiet: true },
  ]);
  await logged("are not reported: no outcome for about 6 minutes");
  expect((await lead())?.judge).toMatchObject({
    kind: "watch",
    blocks: ["no outcome is reported any more"],
    silences: [expect.stringContaining("no outcome for about 6 minutes, after 2 500 in this release")],
  });
  expect(await status()).toContain("SILENCE");
  await eventually(
    () => receiver.received.some(({ body }) => body.includes("release.silent")),
    "a notice",
    TOLD_MS,
  );
  await Bun.sleep(ADVANCED_MS);
  expect(judge.record.release.step).toBe(1);

  judge.report(assignmentOf(1), { location: locationOf(assignmentOf(1)) });
  await eventually(() => judge.record.release.step === 2, "ok", TOLD_MS);
  // The silence of all has just ended, so no daemon is to blame yet.
  expect(await status()).not.toContain("SILENCE");
}, 60_000);

test("a canary that loses the cookie raises back, a proxy that sends its visitors to master raises place, and no step is ok", async () => {
  await released("c".repeat(24), 2.5);
  // The canary's visitors come as new ones.
  for (let visitor = 0; visitor < VISITORS; visitor++) {
    const assignment = assignmentOf(visitor);
    if (locationOf(assignment) === "master") judge.report(assignment, { location: "master" });
    if (visitor % 100 === 0) await Bun.sleep(5);
  }
  for (let n = 0; n < 12; n++) judge.report(visitorAt(n), { location: "master" });
  await logged("raised the sign back");
  await logged("raised the sign place");
  await Bun.sleep(ADVANCED_MS / 2);
  expect(judge.record.release.step).toBe(1);
}, 60_000);

test("reports that do not say whether a visitor brought its assignment leave out known-errors, and status says so", async () => {
  await beginBefore([judge], { ...PLAN, key: "d".repeat(24) });
  await eventually(async () => (await lead())?.judge?.outcomes === 0, "the next release");
  for (let visitor = 0; visitor < 30; visitor++) {
    const assignment = assignmentOf(visitor);
    judge.report(assignment, { location: locationOf(assignment), brought: "-" });
  }
  await eventually(async () => (await lead())?.judge?.isBroughtUntold === true, "the note");
  expect(await status()).toContain("no proxy reports which visitors brought an assignment");
  judge.report(assignmentOf(40), { location: locationOf(assignmentOf(40)) });
  await eventually(async () => (await lead())?.judge?.isBroughtUntold === false, "no note");
}, 60_000);
