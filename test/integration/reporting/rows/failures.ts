/** Requests that no version answers as it should. They are master's visitors, so that the canary goes on. */

import { expect } from "bun:test";
import { isError } from "../../../../src/intake/outcome.ts";
import type { Upstream } from "../../../support/upstream.ts";
import { type Break, startBrokenVersion } from "../broken-version.ts";
import type { Row } from "../row.ts";
import type { Site } from "../site.ts";

/** Puts a broken version in master's place while `use` runs. */
async function withBroken(site: Site, how: Break, use: () => Promise<void>): Promise<void> {
  site.rig.stopMaster();
  const broken: Upstream[] = site.rig.masterAt.map((at) => startBrokenVersion(how, at));
  try {
    await use();
  } finally {
    for (const version of broken) version.stop();
    site.rig.startMaster();
  }
}

const absent: Row = {
  id: "absent",
  title: "a version that is not there is an error",
  async run(site) {
    site.rig.stopMaster();
    try {
      const outcome = await site.visited("master");
      expect(outcome).toMatchObject({ location: "master", isBrought: true });
      expect(isError(outcome)).toBe(true);
    } finally {
      site.rig.startMaster();
    }
  },
};

const closes: Row = {
  id: "closes",
  title: "a version that ends the connection without an answer is an error",
  async run(site) {
    await withBroken(site, "closes", async () => {
      const outcome = await site.outcome("master", (assignment) => tried(site, assignment));
      expect([outcome.location, isError(outcome)]).toEqual(["master", true]);
    });
  },
};

/** A visit whose answer does not matter, because the visitor may see a connection that breaks. */
async function tried(site: Site, assignment: number): Promise<void> {
  await site.rig.visit({ headers: site.headers(assignment) }).catch(() => undefined);
}

const hangs: Row = {
  id: "hangs",
  title: "a version that does not answer in time is an error",
  async run(site) {
    await withBroken(site, "hangs", async () => {
      const outcome = await site.visited("master");
      expect([outcome.location, isError(outcome)]).toEqual(["master", true]);
      // Apache says the first one.
      expect([502, 504]).toContain(outcome.status);
    });
  },
};

const cuts: Row = {
  id: "cuts",
  title: "an answer that ends in the middle is an error",
  async run(site) {
    await withBroken(site, "cuts", async () => {
      const outcome = await site.outcome("master", (assignment) => tried(site, assignment));
      expect([outcome.location, isError(outcome)]).toEqual(["master", true]);
    });
  },
};

const retried: Row = {
  id: "retried",
  title: "a second try at another server is an error, although the visitor does not see it",
  async run(site) {
    await site.withDeadServer(async () => {
      const outcomes = [];
      // The proxy may begin with either server.
      for (let visit = 0; visit < 4; visit++) outcomes.push(await site.visited("master"));
      expect(outcomes.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      expect(outcomes.some((outcome) => outcome.isRetried && isError(outcome))).toBe(true);
    });
  },
};

export const FAILURES: readonly Row[] = [absent, closes, hangs, cuts, retried];
