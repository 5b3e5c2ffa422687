/** A proxy that nothing hears, and one that reports good outcomes for a share of the visitors. */

import { expect } from "bun:test";
import { isError } from "../../../../src/intake/outcome.ts";
import type { Row } from "../row.ts";

const VISITS = 300;

/** A batch that fails is a line, and a proxy sends one a second. */
const LINES_MAX = 10;

/** A batch is sent within this time. */
const BATCH_MS = 2_000;

const unheard: Row = {
  id: "unheard",
  title: "if no program hears the outcomes, visitors do not notice, and the error log stays short",
  timeoutMs: 60_000,
  async run(site) {
    const { rig } = site;
    await site.whileUnheard(async () => {
      const before = rig.log.length;
      for (let visit = 0; visit < VISITS; visit++) expect((await rig.known(0.1)).status).toBe(200);
      await Bun.sleep(BATCH_MS);
      // HAProxy's own access log is there, too.
      const lines = rig.log
        .slice(before)
        .trim()
        .split("\n")
        .filter((line) => !line.includes('"GET / HTTP/1.1"'));
      expect(lines.length).toBeLessThanOrEqual(LINES_MAX);
    });
    expect(await site.visited("canary")).toMatchObject({ location: "canary", status: 200 });
  },
};

/** In the share of a tenth, by its sixth decimal. */
const TAKEN = 0.1234507;
const LEFT_OUT = 0.1234577;

const share: Row = {
  id: "share",
  title: "good outcomes may be reported for a tenth of the assignments, and bad ones then for all",
  isSharing: true,
  timeoutMs: 90_000,
  async run(site) {
    const visit = (assignment: number, status: number) =>
      site.rig.visit({ headers: site.headers(assignment, { "x-status": String(status) }) });
    await site.whileSharing(async () => {
      const heard = site.heard.outcomes.length;
      // On a busy machine master may serve one of them, without a decision.
      for (let turn = 0; turn < 3; turn++) {
        for (const assignment of [TAKEN, LEFT_OUT]) {
          await visit(assignment, 200);
          await visit(assignment, 503);
        }
      }
      await Bun.sleep(BATCH_MS);
      const outcomes = site.heard.outcomes.slice(heard);
      const of = (assignment: number, isBad: boolean) =>
        outcomes.filter((outcome) => outcome.assignment === assignment && isError(outcome) === isBad);
      expect(of(TAKEN, false).length).toBeGreaterThan(0);
      expect(of(TAKEN, true).length).toBeGreaterThan(0);
      expect(of(LEFT_OUT, false)).toEqual([]);
      expect(of(LEFT_OUT, true).length).toBeGreaterThan(0);
      expect(outcomes.every((outcome) => outcome.share === 0.1)).toBe(true);
    });
  },
};

export const QUIET: readonly Row[] = [unheard, share];
