/** The promises of every kind of lease to the readers of the list: settings, doctor, status, help. */

import { describe, expect, test } from "bun:test";
import { PROXY_NAMES, runningProxies } from "../../src/doctor/machine/proxies.ts";
import { haproxyMap } from "../../src/leases/haproxy-map.ts";
import { isServer } from "../../src/leases/lease.ts";
import { LEASES } from "../../src/leases/list.ts";
import { createCore } from "../support/core.ts";
import { settingsOf } from "../support/settings.ts";

/** The flags that turn each kind on, with one lease. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  "haproxy-map": ["-haproxy-map", "/nowhere/admin.sock"],
  "apache-map": ["-apache-map", "/nowhere/apache.map"],
  traefik: ["-traefik", "127.0.0.1:0"],
};

const NOBODY = { uid: 65_534, gids: [65_534] };

describe.each(LEASES.map((kind) => [kind.name, kind] as const))("%s", (name, kind) => {
  const flags = FLAGS[name];
  if (flags === undefined)
    throw new Error(`give FLAGS of this file a row "${name}", with flags for one lease`);
  const settings = settingsOf(...flags);

  test("is off unless its flag is given", () => {
    expect(kind.options.map((option) => option.name)).toContain(name);
    expect([...kind.addresses(settingsOf()), ...kind.targets(settingsOf())]).toEqual([]);
  });

  test("either listens or publishes, and never both", () => {
    const [addresses, targets] = [kind.addresses(settings), kind.targets(settings)];
    expect(addresses.length + targets.length).toBe(1);
    const made = kind.create(settings, createCore());
    expect(made.map(isServer)).toEqual([addresses.length === 1]);
  });

  test("its counts say that it is a lease, which proxy has it, and whether proxies connect to it", () => {
    const core = createCore();
    const [lease] = kind.create(settings, core);
    expect(core.metrics.servers).toEqual([
      expect.objectContaining({
        ...{ name: lease?.name, protocol: name, leasesTo: kind.proxy.name },
        listens: kind.addresses(settings).length === 1,
      }),
    ]);
  });

  test("doctor knows its proxy, and finds each of its processes", async () => {
    expect(PROXY_NAMES).toContain(kind.proxy.name);
    for (const process of kind.proxy.processes) {
      const running = { pid: 4_000_000, parent: 1, name: process, executable: undefined, user: NOBODY };
      const found = await runningProxies([], undefined, [running]);
      expect(found).toEqual([expect.objectContaining({ name: kind.proxy.name, pids: [running.pid] })]);
    }
  });
});

test("several maps of one HAProxy have names of their own", () => {
  const settings = settingsOf("-haproxy-map", "/s,/a", "-haproxy-map", "/s,/b", "-haproxy-map", "/t,/a");
  const names = haproxyMap.create(settings, createCore()).map(({ name }) => name);
  expect(names).toEqual(["haproxy-map unix:/s /a", "haproxy-map unix:/s /b", "haproxy-map unix:/t"]);
});
