import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SocketFile } from "../../src/stream/socket-file.ts";

let directory: string;
let path: string;
const listeners: Server[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "socket-file-"));
  path = join(directory, "socket");
});

afterEach(async () => {
  for (const listener of listeners.splice(0)) await new Promise((resolve) => listener.close(resolve));
  rmSync(directory, { recursive: true });
});

/** Makes a server that sends its name to each client, bound to the temporary path of `file`. */
async function bind(file: SocketFile, name: string): Promise<void> {
  const listener = createServer((socket) => socket.end(name));
  await new Promise<void>((resolve) => listener.listen(file.temporaryPath, resolve));
  listeners.push(listener);
}

async function whoAnswers(): Promise<string> {
  const socket = connect(path);
  let name = "";
  socket.on("data", (bytes) => {
    name += bytes.toString();
  });
  await new Promise<void>((resolve, reject) => {
    socket.on("close", () => resolve());
    socket.on("error", reject);
  });
  return name;
}

test("the socket is at its path with its mode, and nothing else is there", async () => {
  const file = new SocketFile(path, 0o640);
  await bind(file, "one");
  expect(file.publish()).toBeFalse();
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(readdirSync(directory)).toEqual(["socket"]);
  expect(await whoAnswers()).toBe("one");
  file.release();
  expect(readdirSync(directory)).toEqual([]);
});

describe("a takeover", () => {
  test("has no moment in which no server listens", async () => {
    const one = new SocketFile(path, 0o666);
    await bind(one, "one");
    one.publish();
    const ended = join(directory, "ended");
    // Another process connects without pause, because code in this process cannot see a short moment.
    const look = `const { existsSync } = require("node:fs");
      let missed = 0;
      console.log("looking");
      while (!existsSync(${JSON.stringify(ended)}))
        for (let i = 0; i < 1000; i++) if (!existsSync(${JSON.stringify(path)})) missed++;
      console.log(missed);`;
    const child = Bun.spawn([process.execPath, "-e", look], { stdout: "pipe" });
    const reader = child.stdout.getReader();
    await reader.read();
    for (let round = 0; round < 200; round++) {
      const next = new SocketFile(path, 0o666);
      await bind(next, `next ${round}`);
      expect(next.publish()).toBeTrue();
    }
    writeFileSync(ended, "");
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("0\n");
    expect(await whoAnswers()).toBe("next 199");
  });

  test("keeps the file when the earlier owner ends", async () => {
    const one = new SocketFile(path, 0o666);
    await bind(one, "one");
    one.publish();
    const two = new SocketFile(path, 0o666);
    await bind(two, "two");
    two.publish();
    one.release();
    expect(await whoAnswers()).toBe("two");
    two.release();
    two.release();
    expect(existsSync(path)).toBeFalse();
  });

  test("of the file of a dead process works in the same way", async () => {
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    await Bun.spawn([process.execPath, "-e", script], { stderr: "ignore" }).exited;
    expect(statSync(path).isSocket()).toBeTrue();
    const file = new SocketFile(path, 0o666);
    writeFileSync(file.temporaryPath, "left");
    const again = new SocketFile(path, 0o666);
    await bind(again, "again");
    expect(again.publish()).toBeTrue();
    expect(await whoAnswers()).toBe("again");
  });
});

test("a file that is not a socket is not replaced", async () => {
  writeFileSync(path, "precious");
  const file = new SocketFile(path, 0o666);
  await bind(file, "one");
  expect(() => file.publish()).toThrow(/is not a socket; move it away, or choose another path/);
  file.release();
  expect(readFileSync(path, "utf8")).toBe("precious");
  expect(readdirSync(directory)).toEqual(["socket"]);
});

describe("the trial of a path", () => {
  test("leaves the listener there, and adds no file", async () => {
    const file = new SocketFile(path, 0o600);
    await bind(file, "first");
    file.publish();
    SocketFile.prove(path);
    expect(await whoAnswers()).toBe("first");
    expect(readdirSync(directory)).toEqual(["socket"]);
  });

  test("throws if no socket can be put there", () => {
    expect(() => SocketFile.prove(join(directory, "no", "such"))).toThrow();
    writeFileSync(path, "no socket");
    expect(() => SocketFile.prove(path)).toThrow(/is not a socket; move it away/);
    expect(readdirSync(directory)).toEqual(["socket"]);
  });

  test.skipIf(process.getuid?.() !== 0)(
    "throws if another user owns it, in a directory that all users share",
    () => {
      const shared = mkdtempSync(join(tmpdir(), "shared-"));
      chmodSync(shared, 0o1777);
      const strange = join(shared, "socket");
      const script = `
      const { SocketFile } = await import(${JSON.stringify(join(import.meta.dir, "../../src/stream/socket-file.ts"))});
      const { createServer } = await import("node:net");
      await new Promise((resolve) => createServer().listen(${JSON.stringify(strange)}, resolve));
      process.setegid?.(65534);
      process.seteuid?.(65534);
      try { SocketFile.prove(${JSON.stringify(strange)}); console.log("can be had"); }
      catch (error) { console.log(error.code); }
      process.exit();
    `;
      try {
        const { stdout } = Bun.spawnSync([process.execPath, "-e", script]);
        expect(stdout.toString()).toBe("EPERM\n");
      } finally {
        rmSync(shared, { recursive: true });
      }
    },
  );
});
