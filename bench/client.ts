/**
 * The client that applications use (`client-load.js`), in Node and in Bun, against the same daemon under the
 * load of `line-load.c` with as many questions in flight. The difference is the cost of JavaScript, promises
 * and the runtime's sockets.
 */

import { join } from "node:path";
import { buildLoad, type Mode } from "./line.ts";
import { notMeasuredRow, type Row, ratioRow, thousands } from "./report.ts";
import type { Setup } from "./setup.ts";
import { SOURCE, startSubject } from "./subject.ts";

const ROOT = join(import.meta.dir, "..");
const LOAD = join(import.meta.dir, "client-load.js");

/** Each has one connection, like the client. */
const LOADS: readonly { readonly concurrency: number; readonly mode: Mode }[] = [
  { concurrency: 1, mode: "keep" },
  { concurrency: 64, mode: "pipe:64" },
];

export async function benchClient(setup: Setup): Promise<Row[]> {
  const node = Bun.which("node");
  if (node === null) return [notMeasuredRow("client", "node is missing")];
  await buildLibrary();
  const load = await buildLoad();
  const subject = await startSubject(SOURCE);
  const runtimes = { Node: node, Bun: process.execPath };

  const rows: Row[] = [];
  for (const { concurrency, mode } of LOADS) {
    const yardstick: number[] = [];
    const rates = Object.keys(runtimes).map((): number[] => []);
    for (let turn = 0; turn < setup.turns; turn++) {
      yardstick.push(await load(subject.socket, setup.seconds, 1, mode));
      for (const [index, [name, program]] of Object.entries(runtimes).entries()) {
        const rate = await loadByClient(program, subject.socket, setup.seconds, concurrency);
        rates[index]?.push(rate);
        setup.say(`client, ${concurrency} at once, turn ${turn + 1}, ${name}: ${thousands(rate)}`);
      }
    }
    for (const [index, name] of Object.keys(runtimes).entries()) {
      const what = `client in ${name}, ${concurrency} at once, of line-load \`${mode}\``;
      rows.push(ratioRow(what, rates[index] ?? [], yardstick));
    }
  }
  await subject.stop();
  return rows;
}

async function loadByClient(program: string, socket: string, seconds: number, concurrency: number) {
  const child = Bun.spawn([program, LOAD, socket, seconds.toFixed(3), String(concurrency)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [report, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const status = await child.exited;
  const { questionsPerSecond } = JSON.parse(report || "{}") as Record<string, unknown>;
  if (status !== 0 || typeof questionsPerSecond !== "number")
    throw new Error(`client-load failed: ${errors}`);
  return questionsPerSecond;
}

async function buildLibrary(): Promise<void> {
  const child = Bun.spawn(["npm", "run", "--silent", "build:lib"], {
    cwd: ROOT,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
  });
  if ((await child.exited) !== 0) throw new Error("the client cannot be compiled");
}
