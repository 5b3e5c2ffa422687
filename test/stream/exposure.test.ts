/**
 * Warnings of the daemon at its start: other machines reach a listener, or other users can replace a socket.
 */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address } from "../../src/address.ts";
import { exposuresOf } from "../../src/stream/exposure.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "exposure-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const tcp = (host: string): Address => ({ kind: "tcp", host, port: 6294 });

test("loopback, passed sockets and the daemon's own directories cause no warning", () => {
  const unix: Address = { kind: "unix", path: join(directory, "socket") };
  const addresses = [unix, tcp("127.0.0.1"), tcp("127.1.2.3"), tcp("::1"), tcp("localhost")];
  expect(exposuresOf([...addresses, { kind: "fd", fd: 3 }], tcp("127.0.0.1"))).toEqual([]);
  expect(exposuresOf([{ kind: "unix", path: "/no/such/socket" }], undefined)).toEqual([]);
});

test.each(["0.0.0.0", "::", "10.0.0.1", "web1.example.com"])(
  "a listener on %s can be reached by other machines",
  (host) => {
    const [listening, ...others] = exposuresOf([tcp(host), tcp("127.0.0.1")], undefined);
    expect(others).toEqual([]);
    expect(listening?.fields["listen"]).not.toContain("127.0.0.1");
    expect(listening?.fields["remedy"]).toContain("firewall");
    const [admin] = exposuresOf([], tcp(host));
    expect(admin?.message).toContain("admin listener");
    expect(admin?.fields["remedy"]).toContain("allow and deny");
  },
);

test("a directory that other users may write to is named once, however many sockets are in it", () => {
  chmodSync(directory, 0o1777);
  const sockets = ["a", "b"].map((name): Address => ({ kind: "unix", path: join(directory, name) }));
  const exposures = exposuresOf(sockets, undefined);
  expect(exposures).toHaveLength(1);
  expect(exposures[0]?.fields).toMatchObject({ directory, remedy: expect.stringContaining("/run/") });
});

test.skipIf(process.getuid?.() !== 0)("a directory of another user is named, with its owner", () => {
  chownSync(directory, 65_534, 65_534);
  const [exposure, ...others] = exposuresOf([{ kind: "unix", path: join(directory, "socket") }], undefined);
  expect(others).toEqual([]);
  expect(exposure?.message).toContain("the directory's owner, user 65534, can put a socket");
});
