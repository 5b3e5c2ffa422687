/**
 * A release behind the proxy, judged by the outcomes that the proxy itself reports to a real daemon.
 */

import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { covers } from "../../../src/circle.ts";
import { eventually } from "../../support/eventually.ts";
import { PROGRAM } from "../../support/program.ts";
import type { Case } from "./case.ts";
import type { Rig } from "./rig.ts";

/** Half of the circle for an hour, so that nothing but the judge ends the step. */
const [PLAN, SHARE] = ["50%:1h,100%:1h", 0.5];

/** The first outcomes of a step do not count for ten seconds, and machines have this much more time. */
const GRACE_MS = 11_000;

/** The number of visitors of each version with an error while the canary is sound. */
const UNLUCKY = 6;

/** An abort needs fewer victims than that, if the proxy reports them. */
const VICTIMS_MAX = 60;
const VICTIM_EACH_MS = 100;

/** Reports are sent once a second, and the evidence is written every two. */
const JUDGED_MS = 20_000;

/** The record of a version in the store, as far as this test needs it. */
interface Judged {
  readonly rollout: number;
  readonly offset?: number;
  readonly release: { readonly state: string; readonly reason?: string };
}

const judged: Case = {
  id: "judged",
  title: "a bad canary behind this proxy is aborted, and a sound one is not",
  timeoutMs: 180_000,
  async run(rig) {
    rig.write({ canary: 0 });
    await rig.restartDaemon(["-releases", "on", ...rig.outcomesFlags], "master");
    await command(rig, "release", "canary", PLAN, "-of", "v42", "-m", "conformance");
    // A record at the beginning of the circle may leave it out.
    const { offset = 0 } = recordOf(rig);
    await rig.daemon.follows("canary", SHARE, offset);
    await rig.settles();
    await Bun.sleep(GRACE_MS);
    const visitors = visitorsOf(offset);

    for (let visitor = 0; visitor < UNLUCKY; visitor++) {
      for (const version of ["canary", "master"] as const) {
        await visit(rig, visitors[version](), { "x-status": "500" });
        await visit(rig, visitors[version](), {});
      }
    }
    await Bun.sleep(JUDGED_MS / 4);
    expect(recordOf(rig)).toMatchObject({ rollout: SHARE, release: { state: "running" } });

    const isAborted = () => recordOf(rig).release.state === "aborted";
    let victims = 0;
    while (!isAborted() && victims < VICTIMS_MAX) {
      await visit(rig, visitors.canary(), { "x-status": "500" });
      await visit(rig, visitors.master(), {});
      victims++;
      await Bun.sleep(VICTIM_EACH_MS);
    }
    await eventually(isAborted, `the canary is aborted\n${rig.daemon.log}`, JUDGED_MS);
    expect(recordOf(rig)).toMatchObject({ rollout: 0 });
    await eventually(async () => (await rig.known(visitors.canary())).name === "master", "all at master");

    rig.write({ canary: 0.25 });
    await rig.restartDaemon();
  },
};

/** Visits of known visitors: each has an assignment of its own. */
function visitorsOf(offset: number) {
  let drawn = 0;
  const next = (isAtCanary: boolean): number => {
    for (;;) {
      // Steps of the golden ratio cover the circle evenly, without a repetition.
      const assignment = Number(((++drawn * 0.6180339887) % 1).toFixed(5));
      if (covers(offset, SHARE, assignment) === isAtCanary) return assignment;
    }
  };
  return { canary: () => next(true), master: () => next(false) };
}

/** Visits from an address in a network of its own, because only the first error of a network counts. */
function visit(rig: Rig, assignment: number, more: Readonly<Record<string, string>>): Promise<void> {
  const network = Math.floor(assignment * 60_000);
  const localAddress = `127.${1 + (network >> 8)}.${network & 255}.1`;
  const headers = { cookie: rig.cookieOf(assignment), ...more };
  return new Promise((resolve, reject) => {
    request(rig.url, { localAddress, headers }, (response) => {
      response.on("end", resolve).resume();
    })
      .on("error", reject)
      .end();
  });
}

function recordOf({ home }: Rig): Judged {
  return JSON.parse(readFileSync(home.storePath, "utf8"))[home.application].canary as Judged;
}

/** An operator's command. */
async function command({ home }: Rig, ...words: readonly string[]): Promise<void> {
  const flags = ["-config", "none", "-store", `file:${home.storePath}`, "-application", home.application];
  const child = Bun.spawn([PROGRAM, ...words, ...flags], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`${words.join(" ")} ended with ${status}: ${stdout}${stderr}`);
}

export const JUDGED: readonly Case[] = [judged];
