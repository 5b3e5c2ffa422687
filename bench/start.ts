/** The time from starting the process to its first answer over the socket, with its files in memory. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { limitRow, median, notMeasuredRow, type Row } from "./report.ts";
import type { Setup } from "./setup.ts";
import { executable, LAUNCHER, type Place, type Program, placeFor } from "./subject.ts";

const WHAT = "start to the first answer";
const MS_AT_MOST = 100;
const TIMEOUT_MS = 15_000;
/** The time between two tries to connect. An answer may be noticed this much too late. */
const RETRY_MS = 0.5;

/** The port "discard": a reader of the metrics would take part in the measurement. */
const STATSD_PORT = 9;

export async function benchStart(setup: Setup): Promise<Row[]> {
  const compiled = executable();
  const rows: Row[] =
    compiled === undefined
      ? [notMeasuredRow(`${WHAT}: executable`, "it is not built; add --executable")]
      : [await measure(compiled, setup, MS_AT_MOST)];
  return [...rows, await measure(LAUNCHER, setup)];
}

async function measure(program: Program, setup: Setup, atMostMs?: number): Promise<Row> {
  // The first start reads the files from the disk, so it is not counted.
  await startOnce(program);
  const first: number[] = [];
  const right: number[] = [];
  for (let start = 0; start < setup.starts; start++) {
    const { firstMs, rightMs } = await startOnce(program);
    first.push(firstMs);
    right.push(rightMs);
    setup.say(`start ${start + 1}, ${program.name}: ${firstMs.toFixed(1)} ms`);
  }
  const range = `${Math.min(...first).toFixed(0)}–${Math.max(...first).toFixed(0)}`;
  const details = `of ${setup.starts} starts, ${range}; to the first answer out of the store ${median(right).toFixed(1)}`;
  return limitRow(`${WHAT}: ${program.name}`, median(first), "ms", details, atMostMs);
}

/** Milliseconds to the first answer, and to the first answer that knows the store's rollout. */
async function startOnce(program: Program): Promise<{ firstMs: number; rightMs: number }> {
  const place = await placeFor(program, STATSD_PORT);
  const errors = join(place.directory, "stderr");
  const startedMs = performance.now();
  const child = Bun.spawn(place.command, { stdin: "ignore", stdout: "ignore", stderr: Bun.file(errors) });
  try {
    let firstMs: number | undefined;
    for (;;) {
      const reply = await ask(place);
      const nowMs = performance.now() - startedMs;
      if (reply !== undefined) firstMs ??= nowMs;
      if (firstMs !== undefined && reply?.endsWith("\ncanary\n")) return { firstMs, rightMs: nowMs };
      if (child.exitCode !== null || nowMs > TIMEOUT_MS) {
        throw new Error(`${program.name} does not start:\n${readFileSync(errors, "utf8")}`);
      }
      await Bun.sleep(RETRY_MS);
    }
  } finally {
    child.kill();
    await child.exited;
  }
}

/** The reply to one question; undefined if the socket has no listener yet. */
function ask({ socket }: Place): Promise<string | undefined> {
  return new Promise((resolve) => {
    let reply = "";
    Bun.connect({
      unix: socket,
      socket: {
        open(connection) {
          connection.write("0.123456789\n");
        },
        data(connection, chunk) {
          reply += chunk.toString("latin1");
          if (!/\n.*\n$/.test(reply)) return;
          resolve(reply);
          connection.end();
        },
        close: () => resolve(undefined),
        connectError: () => resolve(undefined),
      },
    }).catch(() => resolve(undefined));
  });
}
