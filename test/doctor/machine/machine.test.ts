/** A machine in doctor's eyes: its processes, its listeners, and the rights to connect. */

import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { barrierTo, isAllowed, sees } from "../../../src/doctor/machine/access.ts";
import { listeningFor, listeningOn } from "../../../src/doctor/machine/listening.ts";
import { runningProcesses, socketsOf, userName } from "../../../src/doctor/machine/processes.ts";
import { type ProxyName, runningProxies, servingAt } from "../../../src/doctor/machine/proxies.ts";
import { eventually } from "../../support/eventually.ts";

const directory = realpathSync(mkdtempSync(join(tmpdir(), "machine-")));
afterAll(() => rmSync(directory, { recursive: true }));

describe("the right to connect", () => {
  const file = { mode: 0o640, uid: 10, gid: 20 };

  test("comes from the first class that fits, as in the kernel", () => {
    expect(isAllowed(file, { uid: 10, gids: [1] }, 2)).toBe(true);
    expect(isAllowed(file, { uid: 11, gids: [1, 20] }, 2)).toBe(false);
    expect(isAllowed(file, { uid: 11, gids: [1, 20] }, 4)).toBe(true);
    expect(isAllowed({ ...file, mode: 0o077 }, { uid: 10, gids: [20] }, 2)).toBe(false);
  });

  test("depends on every directory above, and root always has it", async () => {
    const [inner, socket] = [join(directory, "inner"), join(directory, "inner/socket")];
    mkdirSync(inner);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    const stranger = { uid: 54_321, gids: [54_321] };
    chmodSync(directory, 0o755);
    chmodSync(inner, 0o755);
    chmodSync(socket, 0o666);
    expect(barrierTo(socket, stranger)).toBeUndefined();
    chmodSync(socket, 0o660);
    expect(barrierTo(socket, stranger)).toEqual({ path: socket, mode: "0660", isDirectory: false });
    chmodSync(inner, 0o700);
    expect(barrierTo(socket, stranger)).toEqual({ path: inner, mode: "0700", isDirectory: true });
    expect(barrierTo(socket, { uid: 0, gids: [0] })).toBeUndefined();
    expect(sees(process.pid, socket)).toBe(true);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("a listener", () => {
  test("at a path is found by the name that it bound, and only while it listens", () => {
    const table = [
      "Num       RefCount Protocol Flags    Type St Inode Path",
      "0000000000000000: 00000002 00000000 00010000 0001 01 101 /run/md.sock",
      "0000000000000000: 00000002 00000000 00010000 0001 01 102 /run/md.sock.0a1b2c3d.new",
      "0000000000000000: 00000003 00000000 00000000 0001 03 103 /run/md.sock",
      "0000000000000000: 00000002 00000000 00010000 0001 01 104 /run/md.sock2",
      "0000000000000000: 00000002 00000000 00010000 0001 01 105",
    ].join("\n");
    expect(listeningFor("/run/md.sock", table).map(({ inode }) => inode)).toEqual([101, 102]);
    expect(listeningFor("/run/other.sock", table)).toEqual([]);
  });

  test("on a port is a socket that its process holds", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const listening = listeningOn(port);
    expect(listening).toHaveLength(1);
    expect(socketsOf(process.pid)).toContain(listening[0]?.inode ?? 0);
    await new Promise((resolve) => server.close(resolve));
    expect(listeningOn(port)).toEqual([]);
  });
});

describe("processes", () => {
  test("include this one, with its parent and its user", () => {
    const own = runningProcesses().find(({ pid }) => pid === process.pid);
    expect(own).toMatchObject({ parent: process.ppid, executable: process.execPath });
    expect(own?.user.uid).toBe(process.getuid?.() ?? -1);
    expect([userName(0), userName(4_000_000)]).toEqual(["root", "4000000"]);
  });

  test("of workers belong to the process that began them", async () => {
    const at = (pid: number, parent: number, uid: number) => {
      return { pid, parent, name: "nginx", executable: undefined, user: { uid, gids: [uid] } };
    };
    const processes = [at(10, 1, 0), at(11, 10, 4_000_001), at(12, 10, 4_000_001), at(20, 1, 0)];
    const of = (...names: ProxyName[]) => runningProxies(names, undefined, processes);
    const found = await of();
    expect(found).toEqual([
      {
        ...{
          name: "nginx",
          version: null,
          pid: 10,
          processes: 3,
          pids: [10, 11, 12],
          users: ["root", "4000001"],
        },
        workers: [{ pid: 12, user: { uid: 4_000_001, gids: [4_000_001] } }],
      },
      {
        ...{ name: "nginx", version: null, pid: 20, processes: 1, pids: [20], users: ["root"] },
        workers: [{ pid: 20, user: { uid: 0, gids: [0] } }],
      },
    ]);
    // The number of a worker leads to its proxy.
    expect((await of(12)).map(({ pid }) => pid)).toEqual([10]);
    expect((await of("nginx")).map(({ pid }) => pid)).toEqual([10, 20]);
    expect(await of("haproxy", 21)).toEqual([]);
  });

  test("of the proxy behind an address are those that listen there", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const url = new URL(`http://localhost:${typeof address === "object" ? address?.port : 0}/`);
    const proxyOf = (pid: number) => {
      return { name: "nginx", version: null, pid, processes: 1, pids: [pid], users: ["root"], workers: [] };
    };
    const [own, other] = [proxyOf(process.pid), proxyOf(process.ppid)];
    expect(await servingAt(url, [other, own])).toEqual([own]);
    // Another machine's address, and a port at which no known proxy listens.
    expect(await servingAt(new URL(`http://192.0.2.1:${url.port}/`), [other, own])).toBeUndefined();
    expect(await servingAt(url, [other])).toBeUndefined();
    await new Promise((resolve) => server.close(resolve));
  });

  test("of a program that another user may write to are not run for their version", async () => {
    // A process with the name nginx, from a file in a directory that every user may write to.
    const open = join(directory, "open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    copyFileSync("/bin/sleep", join(open, "nginx"));
    const child = Bun.spawn([join(open, "nginx"), "60"], { stdio: ["ignore", "ignore", "ignore"] });
    try {
      const find = async () => (await runningProxies()).find(({ pid }) => pid === child.pid);
      // At first it still has the name of the program that starts it.
      await eventually(async () => (await find()) !== undefined, "it is called nginx");
      expect(await find()).toMatchObject({ name: "nginx", version: null });
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
  });
});
