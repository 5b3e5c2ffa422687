/** The sockets that `doctor -break` takes away. */

import { expect, test } from "bun:test";
import { OLDER_DAEMON } from "../../../src/doctor/daemon-side.ts";
import { prepare, socketFilesOf } from "../../../src/doctor/outage/experiment.ts";
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
