import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../../src/log/log.ts";
import { DescriptorSink, FileSink } from "../../src/log/sink.ts";

const DRAIN_MS = 2_000;

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "log-sink-"));
  path = join(directory, "log");
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function openAppending(target: string): number {
  return openSync(target, "a");
}

function linesOf(file: string): string[] {
  return readFileSync(file, "utf8").split("\n").slice(0, -1);
}

/** The number of this process's descriptors that lead to a file. */
function openOf(file: string): number {
  return readdirSync("/proc/self/fd").filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === file;
    } catch {
      return false;
    }
  }).length;
}

async function makePipe(): Promise<void> {
  expect(await Bun.spawn(["mkfifo", path]).exited).toBe(0);
}

/** Reads from a pipe until the text is long enough or time is up. */
async function readPipe(descriptor: number, untilLength: number): Promise<string> {
  const chunk = Buffer.alloc(65_536);
  const deadlineMs = performance.now() + 5_000;
  let text = "";
  while (text.length < untilLength && performance.now() < deadlineMs) {
    try {
      text += chunk.toString("latin1", 0, readSync(descriptor, chunk));
    } catch {
      await Bun.sleep(2);
    }
  }
  return text;
}

test("all lines arrive whole and in order", async () => {
  const sink = new FileSink(path);
  const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index}`);
  for (const line of lines) sink.write(`${line}\n`);
  await sink.drain(DRAIN_MS);
  expect(linesOf(path)).toEqual(lines);
});

describe("on a full disk", () => {
  test("writing throws no error, and the next line that can be written is the number of lost lines", async () => {
    const sink = new DescriptorSink(openAppending("/dev/full"));
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 10; i++) sink.write(`lost ${i}\n`);
      await sink.drain(DRAIN_MS);
    }
    sink.replace(openAppending(path));
    sink.write("kept\n");
    await sink.drain(DRAIN_MS);
    expect(linesOf(path)).toEqual(["30 lines of the log were lost: they could not be written", "kept"]);
    sink.write("kept too\n");
    await sink.drain(DRAIN_MS);
    expect(linesOf(path)).toHaveLength(3);
  });

  test("the line about lost lines has the log's own format", async () => {
    const sink = new DescriptorSink(openAppending("/dev/full"));
    const log = createLog({ format: "json", sinks: [sink] });
    log.info("lost");
    await sink.drain(DRAIN_MS);
    sink.replace(openAppending(path));
    log.info("kept");
    await sink.drain(DRAIN_MS);
    const entries = linesOf(path).map((line) => JSON.parse(line));
    expect(entries.map(({ message }) => message)).toEqual([
      "lines of the log were lost: they could not be written",
      "kept",
    ]);
    expect(entries[0]["lines"]).toBe(1);
  });
});

describe("law 6: a pipe that stays full", () => {
  test("takes no time from the code that logs, and limited memory", async () => {
    await makePipe();
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const sink = new FileSink(path);
    const line = `${"x".repeat(1_023)}\n`;
    const startedAtMs = performance.now();
    for (let i = 0; i < 20_000; i++) sink.write(line);
    expect(performance.now() - startedAtMs).toBeLessThan(3_000);
    await Bun.sleep(1);

    // When it is read again, every line is there or counted as lost.
    const first = await readPipe(reader, 1024);
    sink.write("the end\n");
    let text = first;
    const deadlineMs = performance.now() + 5_000;
    while (!text.includes("the end\n") && performance.now() < deadlineMs) text += await readPipe(reader, 1);
    const lost = Number(/^(\d+) lines of the log were lost/m.exec(text)?.[1]);
    // On a busy machine the pipe may still be full, and then the last line is a lost one too.
    const last = text.includes("the end\n") ? 0 : 1;
    expect(text.split("x\n").length - 1 + lost).toBe(20_000 + last);
    expect(lost).toBeGreaterThan(18_000);
    closeSync(reader);
  });

  test("is left for the file that replaces it", async () => {
    await makePipe();
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const sink = new FileSink(path);
    for (let i = 0; i < 200; i++) sink.write(`${"x".repeat(1_023)}\n`);
    await sink.drain(20);
    const file = join(directory, "file");
    sink.replace(openAppending(file));
    sink.write("the end\n");
    await sink.drain(DRAIN_MS);
    expect(linesOf(file).at(-1)).toBe("the end");
    closeSync(reader);
  });

  test("is refused at once if it has no reader, because opening it would stop the process", async () => {
    await makePipe();
    expect(() => new FileSink(path)).toThrow(/ENXIO/);
    expect(() => new FileSink(path)).toThrow(/ENXIO/);
  });
});

describe("rotation", () => {
  test("by rename and reopen loses no line and repeats none", async () => {
    const sink = new FileSink(path);
    const names: string[] = [];
    let written = 0;
    for (let rotation = 0; rotation < 20; rotation++) {
      for (let i = 0; i < 500; i++) sink.write(`${written++}\n`);
      const name = `${path}.${rotation}`;
      renameSync(path, name);
      names.push(name);
      sink.reopen();
      if (rotation % 3 === 0) await Bun.sleep(0);
      for (let i = 0; i < 10; i++) sink.write(`${written++}\n`);
    }
    await sink.drain(DRAIN_MS);
    const all = [...names, path].flatMap(linesOf).map(Number);
    expect(all).toEqual(Array.from({ length: written }, (_, index) => index));
  });

  test("goes on with the old file if the new one cannot be opened", async () => {
    const sink = new FileSink(path);
    renameSync(path, `${path}.1`);
    await Bun.$`mkdir ${path}`;
    expect(() => sink.reopen()).toThrow(/EISDIR/);
    sink.write("kept\n");
    await sink.drain(DRAIN_MS);
    expect(linesOf(`${path}.1`)).toEqual(["kept"]);
  });

  test("closes the files that it leaves", async () => {
    const sink = new FileSink(path);
    for (let i = 0; i < 50; i++) {
      sink.write("x\n");
      sink.reopen();
    }
    await sink.drain(DRAIN_MS);
    while (openOf(path) > 1) await Bun.sleep(1);
    expect(openOf(path)).toBe(1);
  });
});

test("a file that cannot be opened is refused", () => {
  expect(() => new FileSink(directory)).toThrow(/EISDIR/);
  expect(() => new FileSink(join(path, "below"))).toThrow(/ENOENT/);
});
