/** The sockets that `doctor -break` takes away. */

import { describe, expect, test } from "bun:test";
import { OLDER_DAEMON } from "../../../src/doctor/daemon-side.ts";
import { comesBack, prepare, socketFilesOf } from "../../../src/doctor/outage/experiment.ts";
import type { Subject } from "../../../src/doctor/subject.ts";
import { emptyServerCounts } from "../../../src/metrics.ts";
import { listener } from "../../support/server-identity.ts";

test("doctor hides every socket file at which the daemon listens, for each protocol", () => {
  const servers = [
    emptyServerCounts(listener("line", "/run/line.sock")),
    emptyServerCounts(listener("a-protocol-of-tomorrow", "/run/new.sock")),
    emptyServerCounts({ ...listener("http"), address: { kind: "tcp", host: "127.0.0.1", port: 6294 } }),
    // Here HAProxy listens, not the daemon.
    emptyServerCounts({ ...listener("haproxy-map", "/run/haproxy.sock"), listens: false }),
    emptyServerCounts({ ...listener("apache-map"), address: { kind: "file", path: "/a" }, listens: false }),
  ];
  expect(socketFilesOf({ servers })).toEqual(["/run/line.sock", "/run/new.sock"]);
});

test("doctor leaves a daemon alone that does not describe its servers", async () => {
  const servers = [{ name: "line unix:/tmp/x.sock", success: 0, failure: 0, connections: 0, accepted: 0 }];
  const subject = {
    state: { pid: process.pid, applications: [], servers },
    daemon: { admin: { host: "127.0.0.1", port: 1 } },
  } as unknown as Subject;
  expect(await prepare(subject)).toEqual({ why: OLDER_DAEMON });
});

describe("the daemon is back", () => {
  /** A subject whose daemon answers with these states, one after the other; the last one stays. */
  function returning(...freshness: readonly (boolean | undefined)[]) {
    const asked: (boolean | undefined)[] = [];
    const subject = {
      options: { random: () => 0.5 },
      site: { visit: async () => ({ version: "canary" }) },
      daemon: {
        async state() {
          const fresh = freshness[Math.min(asked.length, freshness.length - 1)];
          asked.push(fresh);
          return fresh === undefined ? { why: "it is hung", code: "timeout" } : { applications: [{ fresh }] };
        },
        applicationOf: ({ applications }: { applications: readonly unknown[] }) => applications[0],
      },
    } as unknown as Subject;
    return { asked, subject };
  }
  const arcs = [{ version: "canary", offset: 0, rollout: 0.5 }];

  test("when it answers and has read the store again, so that the store is not blamed for the outage", async () => {
    const { asked, subject } = returning(undefined, false, true);
    expect(await comesBack(subject, arcs, true)).toBeNumber();
    expect(asked).toEqual([undefined, false, true]);
  });

  test("when it answers, if its snapshot was stale before", async () => {
    const { asked, subject } = returning(undefined, false, true);
    expect(await comesBack(subject, arcs, false)).toBeNumber();
    expect(asked).toEqual([undefined, false]);
    const stale = returning(false);
    expect(await comesBack(stale.subject, arcs, false)).toBeNumber();
  });
});
