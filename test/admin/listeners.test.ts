/** The page `/listeners` of daemons of all versions, and of programs that are not this daemon. */

import { describe, expect, test } from "bun:test";
import { fetchListeners, listenersOf } from "../../src/admin/client/fetch-listeners.ts";
import { findPredecessor } from "../../src/admin/client/predecessor.ts";
import { createDaemon } from "../../src/daemon/daemon.ts";
import { LEASES } from "../../src/leases/list.ts";
import { silentLog } from "../../src/log/log.ts";
import { SERVERS } from "../../src/servers/list.ts";
import { temporaryDirectory } from "../cli/run.ts";
import { createCore } from "../support/core.ts";
import { serve } from "../support/listeners-page.ts";
import { freePort } from "../support/port.ts";
import { holds, type Random } from "../support/random.ts";
import { settingsOf } from "../support/settings.ts";

/** Version 3.0 gives these names. With another name, neither version takes over from the other. */
const NAMES: readonly (readonly [flags: readonly string[], names: readonly string[]])[] = [
  [["-socket", "/nowhere/a.sock"], ["line unix:/nowhere/a.sock"]],
  [["-socket", "none", "-listen", "fd:99"], ["line fd:99"]],
  [["-socket", "none", "-listen", "tcp:127.0.0.1:7000"], ["line tcp:127.0.0.1:7000"]],
  [["-socket", "none", "-listen", "tcp:[::1]:7000"], ["line tcp:[::1]:7000"]],
  [["-socket", "none", "-http", "127.0.0.1:7001"], ["http tcp:127.0.0.1:7001"]],
  [["-socket", "none", "-http", "unix:/nowhere/h.sock"], ["http unix:/nowhere/h.sock"]],
  [["-socket", "none", "-spop", "127.0.0.1:7002"], ["spop tcp:127.0.0.1:7002"]],
  [["-socket", "none", "-spop", "unix:/nowhere/s.sock"], ["spop unix:/nowhere/s.sock"]],
  [["-socket", "none", "-traefik", "127.0.0.1:7003"], ["traefik tcp:127.0.0.1:7003"]],
  [["-socket", "none", "-haproxy-map", "/nowhere/p.sock"], ["haproxy-map unix:/nowhere/p.sock"]],
  [["-socket", "none", "-haproxy-map", "tcp:127.0.0.1:7004"], ["haproxy-map tcp:127.0.0.1:7004"]],
  [["-socket", "none", "-apache-map", "/nowhere/m"], ["apache-map /nowhere/m"]],
];

describe("names", () => {
  test.each(NAMES)("%j", (flags, names) => {
    const settings = settingsOf(...flags);
    const made = [...SERVERS, ...LEASES].flatMap((kind) => kind.create(settings, createCore()));
    expect(made.map(({ name }) => name)).toEqual([...names]);
  });

  test("the admin listener comes last, and its name has no tcp:", async () => {
    using directory = temporaryDirectory();
    const [socket, admin] = [directory.path("d.sock"), await freePort()];
    const daemon = await createDaemon(
      settingsOf(
        ...["-socket", socket, "-admin", `127.0.0.1:${admin}`, "-store", `file:${directory.path("r.json")}`],
        ...["-state-dir", directory.path("state"), "-logfile", "none", "-statsd", "none"],
      ),
      silentLog,
    );
    try {
      await daemon.start();
      const said = await fetchListeners({ host: "127.0.0.1", port: admin });
      expect(said?.listeners).toEqual([`line unix:${socket}`, `admin 127.0.0.1:${admin}`]);
    } finally {
      await daemon.close();
    }
  });
});

const PAGE = { pid: 7, applications: ["website"], listeners: ["line unix:/run/x.sock", "admin 127.0.0.1:1"] };
const LINE = { protocol: "line", address: { kind: "unix", path: "/run/x.sock" } } as const;

test("a daemon of version 3.0, which has no servers, names its sockets by its listeners", () => {
  expect(listenersOf(PAGE)).toEqual({ ...PAGE, servers: [LINE] });
});

test("a daemon of version 3.0 can be the predecessor", async () => {
  await using at = serve(JSON.stringify(PAGE));
  expect(await findPredecessor(at.address, ["website"], ["line unix:/run/x.sock"])).toEqual({
    ...PAGE,
    servers: [LINE],
  });
});

test("servers that are described in an unknown way are left out", () => {
  const servers = [
    ...[null, 7, "line", [], {}, { protocol: "line" }, { protocol: "line", address: null }],
    ...[
      { protocol: 1, address: LINE.address },
      { protocol: "line", address: { kind: "vsock", cid: 3 } },
    ],
    ...[
      { protocol: "line", address: { kind: "unix" } },
      { protocol: "line", address: { kind: "tcp" } },
    ],
    { protocol: "line", address: { kind: "unix", path: "/a\0b" } },
    LINE,
  ];
  expect(listenersOf({ ...PAGE, servers })?.servers).toEqual([LINE]);
});

test("a page with a wrong field is not a daemon's", () => {
  for (const wrong of [{ pid: "7" }, { applications: "website" }, { applications: [1] }, { listeners: {} }])
    expect(listenersOf({ ...PAGE, ...wrong })).toBeUndefined();
});

test("random JSON never throws, and gives either nothing or servers whose fields are all there", () => {
  holds(20_000, (random) => {
    const page = randomPage(random);
    for (const { protocol, address } of listenersOf(page)?.servers ?? []) {
      expect(typeof protocol).toBe("string");
      if (address.kind === "unix" || address.kind === "file") expect(typeof address.path).toBe("string");
      if (address.kind === "tcp") expect(typeof address.host).toBe("string");
    }
  });
});

const KEYS = [
  ...["pid", "applications", "listeners", "servers", "protocol", "address"],
  ...["kind", "path", "host", "port", "fd", "__proto__"],
];
const TEXTS = ["", "line", "unix", "tcp", "fd", "file", "line unix:/x", "line unix:", "\0", "/x"];

function randomJson(random: Random, depth = 0): unknown {
  const few = Array.from({ length: random.whole(0, 4) });
  switch (random.whole(0, depth > 4 ? 3 : 5)) {
    case 0:
      return random.pick([null, true, false]);
    case 1:
      return random.whole(-1, 70_000);
    case 2:
    case 3:
      return random.pick(TEXTS);
    case 4:
      return few.map(() => randomJson(random, depth + 1));
    default:
      return Object.fromEntries(few.map(() => [random.pick(KEYS), randomJson(random, depth + 1)]));
  }
}

/** Half of the pages have the fields of a daemon's page, each of them right or random. */
function randomPage(random: Random): unknown {
  if (random.whole(0, 1) === 0) return randomJson(random);
  const right = { ...PAGE, servers: [LINE, { protocol: "line", address: randomJson(random) }] };
  return Object.fromEntries(
    Object.entries(right).map(([key, value]) => [key, random.whole(0, 5) === 0 ? randomJson(random) : value]),
  );
}
