import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SocketFile } from "../../src/servers/socket-file.ts";

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

/** A server that says its name to whoever connects, bound where `file` wants it. */
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
  test("has no moment in which nobody listens", async () => {
    const one = new SocketFile(path, 0o666);
    await bind(one, "one");
    one.publish();
    const ended = join(directory, "ended");
    // Another process looks without pause, as a moment in this one is none for what runs in it.
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

  test("keeps the file when the one that was taken over ends", async () => {
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

  test("of what a dead process left works the same", async () => {
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

test("a file that is no socket is not replaced", async () => {
  writeFileSync(path, "precious");
  const file = new SocketFile(path, 0o666);
  await bind(file, "one");
  expect(() => file.publish()).toThrow(/is not a socket; move it away, or choose another path/);
  file.release();
  expect(readFileSync(path, "utf8")).toBe("precious");
  expect(readdirSync(directory)).toEqual(["socket"]);
});
