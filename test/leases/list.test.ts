/** The promises of every kind of lease to the readers of the list: settings, doctor, status, help. */

import { describe, expect, test } from "bun:test";
import { PROXY_NAMES } from "../../src/doctor/machine/proxies.ts";
import { haproxyMap } from "../../src/leases/haproxy-map.ts";
import { isServer } from "../../src/leases/lease.ts";
import { LEASES } from "../../src/leases/list.ts";
import { createCore } from "../support/core.ts";
import { settingsOf } from "../support/settings.ts";

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  "haproxy-map": ["-haproxy-map", "/nowhere/admin.sock"],
  "apache-map": ["-apache-map", "/nowhere/apache.map"],
  traefik: ["-traefik", "127.0.0.1:0"],
};

describe.each(LEASES.map((kind) => [kind.name, kind] as const))("%s", (name, kind) => {
  const settings = settingsOf(...(FLAGS[name] ?? []));

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
        ...{ name: lease?.name, protocol: name, leasesTo: kind.proxy },
        listens: kind.addresses(settings).length === 1,
      }),
    ]);
  });

  test("doctor knows its proxy", () => {
    expect(PROXY_NAMES).toContain(kind.proxy);
  });
});

test("several maps of one HAProxy have names of their own", () => {
  const settings = settingsOf("-haproxy-map", "/s,/a", "-haproxy-map", "/s,/b", "-haproxy-map", "/t,/a");
  const names = haproxyMap.create(settings, createCore()).map(({ name }) => name);
  expect(names).toEqual(["haproxy-map unix:/s /a", "haproxy-map unix:/s /b", "haproxy-map unix:/t"]);
});
