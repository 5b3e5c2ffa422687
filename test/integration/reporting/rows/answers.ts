/** Requests that a version answers. */

import { expect } from "bun:test";
import { isError, responseMs } from "../../../../src/intake/outcome.ts";
import { eventually } from "../../../support/eventually.ts";
import type { Row } from "../row.ts";
import type { Site } from "../site.ts";

/** The longest duration of a quick request on a busy machine. */
const QUICK_MS = 5_000;

/** The address in the reports of each visitor. */
function sourceAt({ rig }: Site): string | undefined {
  return rig.integration.reporting?.hasNoSource === true ? undefined : "127.0.0.1";
}

const known: Row = {
  id: "known",
  title: "a known visitor's outcome has the application, the version, the assignment, and its address",
  async run(site) {
    for (const version of ["canary", "master"] as const) {
      let assignment = Number.NaN;
      const outcome = await site.outcome(version, (its) => {
        assignment = its;
        return site.rig.visit({ headers: site.headers(its) });
      });
      expect(outcome).toMatchObject({
        ...{ application: "website", location: version, assignment, kind: "answered", status: 200 },
        ...{
          isBrought: true,
          isForced: false,
          isRetried: false,
          source: sourceAt(site),
          share: 1,
          events: [],
        },
      });
      expect(outcome.durationMs).toBeGreaterThanOrEqual(0);
      expect(outcome.durationMs).toBeLessThan(QUICK_MS);
    }
  },
};

const fresh: Row = {
  id: "fresh",
  title: "a new visitor's outcome has the assignment of its new cookie, which it did not bring",
  async run(site) {
    const before = site.heard.outcomes.length;
    const { cookies } = await site.rig.fresh();
    const [, value = ""] = /^maxwellsdaemon=([^;]+);/.exec(cookies.join("\n")) ?? [];
    await eventually(() => site.heard.of(Number(value)).length > 0, `the outcome of ${value}`);
    expect(site.heard.of(Number(value))).toMatchObject([{ isBrought: false, status: 200 }]);
    expect(site.heard.outcomes.length).toBeGreaterThan(before);
  },
};

const hostile: Row = {
  id: "hostile",
  title:
    "hostile cookies, paths and headers make no report that the daemon cannot read, or that names another",
  async run(site) {
    const refused = site.heard.refused.length;
    const lies = [
      '0.1 500 1" forced=1',
      "0.1\\x20",
      "0.1]",
      "nan",
      "9".repeat(200),
      '"',
      "0.5 source=1.2.3.4",
    ];
    for (const lie of lies) {
      const headers: [string, string][] = [
        ["cookie", `maxwellsdaemon=${lie}`],
        ["user-agent", lie],
        ["x-forwarded-for", lie],
      ];
      await site.rig.visit({ headers, target: `/${encodeURIComponent(lie)}` });
    }
    expect(await site.visited("canary")).toMatchObject({ status: 200 });
    expect(site.heard.refused.slice(refused)).toEqual([]);
    for (const { source, isForced, status } of site.heard.outcomes) {
      expect([source, isForced, status === 500]).toEqual([sourceAt(site), false, false]);
    }
  },
};

const statuses: Row = {
  id: "statuses",
  title: "a version's own statuses are reported as they are, and those from 500 on are errors",
  async run(site) {
    for (const status of [201, 302, 403, 404, 500, 502, 503, 504]) {
      const outcome = await site.visited("canary", { "x-status": String(status) });
      expect(outcome).toMatchObject({ location: "canary", kind: "answered", status, isRetried: false });
      expect([status, isError(outcome)]).toEqual([status, status >= 500]);
    }
  },
};

const SLOW_MS = 400;

const slow: Row = {
  id: "slow",
  title: "a slow answer has its duration",
  async run(site) {
    const outcome = await site.visited("canary", { "x-wait-ms": String(SLOW_MS) });
    expect(responseMs(outcome)).toBeGreaterThanOrEqual(SLOW_MS - 5);
    expect(responseMs(outcome)).toBeLessThan(SLOW_MS + QUICK_MS);
  },
};

/** A WebSocket is open for this long. */
const OPEN_MS = 1_500;

const webSocket: Row = {
  id: "websocket",
  title: "a WebSocket that was open for long is neither slow nor an error, whichever side ends it",
  async run(site) {
    for (const endsBy of ["visitor", "version"] as const) {
      const outcome = await site.outcome("canary", (assignment) => {
        return holdWebSocket(site.rig.url, Object.fromEntries(site.headers(assignment)), endsBy);
      });
      expect([endsBy, outcome.location, isError(outcome)]).toEqual([endsBy, "canary", false]);
      expect(Number.isNaN(responseMs(outcome)) || responseMs(outcome) < OPEN_MS).toBe(true);
      // The decision is dated by it.
      expect(outcome.durationMs).toBeGreaterThanOrEqual(OPEN_MS - 5);
    }
  },
};

/** Resolves when a WebSocket was open for `OPEN_MS`, and has ended. */
async function holdWebSocket(
  url: string,
  headers: Readonly<Record<string, string>>,
  endsBy: "visitor" | "version",
): Promise<void> {
  // Bun takes an object with headers as the second argument, which the types of the web do not have.
  const socket = new WebSocket(url.replace("http", "ws"), { headers } as unknown as string[]);
  await new Promise<void>((resolve, reject) => {
    socket.onerror = () => reject(new Error("the WebSocket failed"));
    socket.onclose = () => resolve();
    socket.onopen = () => {
      setTimeout(() => (endsBy === "visitor" ? socket.close() : socket.send("end")), OPEN_MS);
    };
  });
}

const forced: Row = {
  id: "forced",
  title: "a forced location is reported as forced",
  isForcing: true,
  async run(site) {
    for (const [version, word] of [
      ["master", "always"],
      ["canary", "never"],
    ] as const) {
      expect(await site.visited(version, { "maxwellsdaemon-force": word })).toMatchObject({
        ...{ location: version === "master" ? "canary" : "master", isForced: true },
      });
      expect(await site.visited(version)).toMatchObject({ location: version, isForced: false });
    }
  },
};

export const ANSWERS: readonly Row[] = [known, fresh, hostile, statuses, slow, webSocket, forced];
