/** The check `daemon`, on a page of a daemon that has not read its store. */

import { expect, test } from "bun:test";
import { daemon } from "../../../src/doctor/checks/daemon.ts";
import { DaemonSide } from "../../../src/doctor/daemon-side.ts";
import type { Subject } from "../../../src/doctor/subject.ts";

test("a daemon that never read its store is not ready, for the reason that the store gave", async () => {
  const reason = "nats://nats1/website has no stream KV_website; make it with maxwells-daemon init-store";
  const find = (error: string | null) => {
    const state = { store: "nats://nats1/website", servers: [], applications: [{ ageMs: null, error }] };
    const side = new DaemonSide(null, null, undefined);
    return daemon.run({ state, daemon: side } as unknown as Subject, AbortSignal.timeout(5_000));
  };
  expect(await find(reason)).toMatchObject({
    verdict: "fail",
    summary: expect.stringContaining(`could not read every application from its store (${reason}), so`),
    remedy: "make nats://nats1/website readable for the daemon",
  });
  expect(await find(null)).toMatchObject({ remedy: expect.stringContaining("the daemon's log") });
});
