/**
 * The line protocol over its unix socket, in one process, under the load of `line-load.c`. It is compared
 * with the least work that a server can do (`line-limit.c`), and with the same on Bun (`line-bare.ts`).
 */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Row, ratioRow, revisionRow, thousands } from "./report.ts";
import type { Setup } from "./setup.ts";
import { type Subject, startSubject } from "./subject.ts";

/** The longest time for compiling, or until a server listens. */
const WAIT_MS = 10_000;
const LOOK_EVERY_MS = 5;

const LOADS = [
  { mode: "new", connections: 32, atLeast: 0.75, ofBareAtLeast: undefined },
  // Each request is one read and one write in the kernel. Bun itself is the limit, so the bound is a share of
  // bare Bun.
  { mode: "keep", connections: 16, atLeast: undefined, ofBareAtLeast: 0.95 },
  { mode: "pipe:64", connections: 16, atLeast: undefined, ofBareAtLeast: undefined },
] as const;

/**
 * `new`: a connection for each request; `keep`: one request in flight on each; `pipe:64`: 64 in flight on
 * each.
 */
export type Mode = (typeof LOADS)[number]["mode"];

/** Puts load on a line protocol socket. Resolves with requests a second; rejects if any reply was wrong. */
export type Load = (socket: string, seconds: number, connections: number, mode: Mode) => Promise<number>;

export async function benchLine(setup: Setup): Promise<Row[]> {
  const load = await buildLoad();
  const limit = await startYardstick("yardstick", [await compile("line-limit")]);
  const bare = await startYardstick("bare Bun", [process.execPath, join(import.meta.dir, "line-bare.ts")]);
  const subjects: Subject[] = [];
  for (const program of setup.programs) subjects.push(await startSubject(program));
  const before = setup.against && (await startSubject(setup.against.program));
  if (before !== undefined) subjects.push(before);
  const targets = [limit, bare, ...subjects].map(({ name, socket }) => ({ name, socket }));

  const rows: Row[] = [];
  for (const { mode, connections, atLeast, ofBareAtLeast } of LOADS) {
    const rates = targets.map((): number[] => []);
    for (const { socket } of targets) await load(socket, setup.seconds, connections, mode);
    for (let turn = 0; turn < setup.turns; turn++) {
      for (const [index, { name, socket }] of targets.entries()) {
        const rate = await load(socket, setup.seconds, connections, mode);
        rates[index]?.push(rate);
        setup.say(`${mode}, turn ${turn + 1}, ${name}: ${thousands(rate)}`);
      }
    }
    const [yardstick = [], ofBare = [], ...others] = rates;
    const ofBefore = before === undefined ? undefined : others.pop();
    for (const [index, ofThis] of others.entries()) {
      const what = `line \`${mode}\`, ${connections} connections: ${subjects[index]?.name}`;
      rows.push(ratioRow(what, ofThis, yardstick, atLeast));
      rows.push(ratioRow(`${what}, of bare Bun`, ofThis, ofBare, ofBareAtLeast));
      if (ofBefore !== undefined) rows.push(revisionRow(`${what}, of ${before?.name}`, ofThis, ofBefore));
    }
  }
  await limit.stop();
  await bare.stop();
  for (const subject of subjects) await subject.stop();
  return rows;
}

/** Compiles the load generator. */
export async function buildLoad(): Promise<Load> {
  const program = await compile("line-load");
  return async (socket, seconds, connections, mode) => {
    const child = Bun.spawn([program, socket, seconds.toFixed(3), String(connections), mode], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [report, errors] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    const status = await child.exited;
    const { requestsPerSecond, earlyClose } = JSON.parse(report || "{}") as Record<string, unknown>;
    if (status !== 0 || typeof requestsPerSecond !== "number" || earlyClose !== 0) {
      throw new Error(`line-load saw wrong replies or closed connections: ${report}${errors}`);
    }
    return requestsPerSecond;
  };
}

/** A server that sends a fixed answer. The socket's path is the last argument of its command. */
async function startYardstick(
  name: string,
  command: readonly string[],
): Promise<{ name: string; socket: string; stop(): Promise<void> }> {
  const socket = join(mkdtempSync(join(tmpdir(), "limit-")), "limit.sock");
  const child = Bun.spawn([...command, socket], { stdin: "ignore", stdout: "ignore", stderr: "inherit" });
  const deadlineMs = performance.now() + WAIT_MS;
  while (!(await isListening(socket))) {
    if (child.exitCode !== null || performance.now() > deadlineMs) throw new Error(`${name} does not listen`);
    await Bun.sleep(LOOK_EVERY_MS);
  }
  return {
    ...{ name, socket },
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}

async function isListening(path: string): Promise<boolean> {
  try {
    const connection = await Bun.connect({ unix: path, socket: { data() {} } });
    connection.end();
    return true;
  } catch {
    return false;
  }
}

/** Compiles one of the C programs of this folder; resolves with the program's path. */
export async function compile(name: string, libraries: readonly string[] = []): Promise<string> {
  const compiler = Bun.which("cc") ?? Bun.which("gcc");
  if (compiler === null) throw new Error("there is no C compiler; apt-get install gcc libc6-dev");
  const program = join(mkdtempSync(join(tmpdir(), "cc-")), name);
  const child = Bun.spawn(
    [compiler, "-O2", "-o", program, join(import.meta.dir, `${name}.c`), ...libraries],
    {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      timeout: WAIT_MS,
    },
  );
  if ((await child.exited) !== 0) throw new Error(`${name}.c does not compile`);
  return program;
}
