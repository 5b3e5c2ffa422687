/** Visitors who leave, and requests that have no outcome. */

import { expect } from "bun:test";
import { eventually } from "../../../support/eventually.ts";
import type { Row } from "../row.ts";

/** A visitor leaves after this time, and the version would answer after twice of it. */
const PATIENCE_MS = 500;

const left: Row = {
  id: "left",
  title: "a visitor who leaves before the answer does not count as an error",
  async run(site) {
    const outcome = await site.outcome("canary", async (assignment) => {
      const headers = new Headers(site.headers(assignment, { "x-wait-ms": String(2 * PATIENCE_MS) }));
      await fetch(site.rig.url, { headers, signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => undefined);
    });
    expect(outcome).toMatchObject({ location: "canary", kind: "left", isRetried: false });
  },
};

const own: Row = {
  id: "own-answer",
  title: "a request that the proxy itself denies has no outcome",
  async run(site) {
    await site.silent(async () => {
      for (let visit = 0; visit < 3; visit++) {
        const headers = site.headers(site.assignment("canary"));
        expect((await site.rig.visit({ target: "/denied", headers })).status).toBe(403);
      }
    });
  },
};

const undecided: Row = {
  id: "undecided",
  title: "while the daemon is gone, no request has an outcome; afterwards all have one again",
  timeoutMs: 60_000,
  async run(site) {
    const { rig } = site;
    await rig.daemon.end("SIGKILL");
    await eventually(async () => (await rig.known(0.1)).name === "master", "all visitors go to master");
    await Bun.sleep(rig.integration.graceMs);
    await site.silent(async () => {
      for (const version of ["canary", "master"] as const) {
        const headers = site.headers(site.assignment(version));
        expect((await rig.visit({ headers })).name).toBe("master");
      }
      expect((await rig.visit()).name).toBe("master");
    });
    await rig.startDaemon();
    expect(await site.visited("canary")).toMatchObject({ location: "canary", status: 200 });
  },
};

const maintenance: Row = {
  id: "maintenance",
  title: "the page of maintenance mode has no outcome",
  async run(site) {
    const { rig } = site;
    rig.write({ canary: 0.25, maintenance: 1 });
    await eventually(async () => (await rig.visit()).status === 503, "maintenance mode");
    await rig.settles();
    await site.silent(async () => {
      for (const version of ["canary", "master"] as const) {
        expect((await rig.visit({ headers: site.headers(site.assignment(version)) })).status).toBe(503);
      }
      expect((await rig.visit()).status).toBe(503);
    });
    rig.write({ canary: 0.25, maintenance: 0 });
    await eventually(async () => (await rig.known(0.1)).status === 200, "the end of maintenance mode");
    await rig.settles();
    await rig.becomes(0.1, "canary");
  },
};

export const SILENCE: readonly Row[] = [left, own, maintenance, undecided];
