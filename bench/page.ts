/**
 * The line protocol beside open pages: as many browsers as the admin listener takes hold the stream of news,
 * while visitors ask as fast as the daemon answers. Turns with and without them alternate.
 *
 * Real browsers run on machines of operators. Here they take processor time from the visitors and the daemon.
 * So each turn also has the answers for a second of the daemon's own processor time.
 */

import { join } from "node:path";
import { STREAMS_MAX } from "../src/admin/admin-connection.ts";
import { buildLoad, type Mode } from "./line.ts";
import { processorMs } from "./process-costs.ts";
import { type Row, ratioRow } from "./report.ts";
import type { Setup } from "./setup.ts";
import { startSubject } from "./subject.ts";

const LOADS: readonly (readonly [mode: Mode, connections: number])[] = [
  ["new", 32],
  ["keep", 16],
];

const AT_LEAST = 0.97;

/** The pages have their first states after this time. */
const OPENED_MS = 1_000;

interface Turn {
  /** Answers a second. */
  readonly rate: number;
  /** Answers for a second of the daemon's processor time. */
  readonly ofProcessor: number;
}

export async function benchPage(setup: Setup): Promise<Row[]> {
  const load = await buildLoad();
  const rows: Row[] = [];
  for (const program of setup.programs) {
    const subject = await startSubject(program);
    try {
      for (const [mode, connections] of LOADS) {
        const answer = async (): Promise<Turn> => {
          const before = processorMs(subject.pid);
          const rate = await load(subject.socket, setup.seconds, connections, mode);
          const usedMs = processorMs(subject.pid) - before;
          return { rate, ofProcessor: (rate * setup.seconds * 1_000) / usedMs };
        };
        const [alone, beside]: [Turn[], Turn[]] = [[], []];
        await answer();
        for (let turn = 0; turn < setup.turns; turn++) {
          alone.push(await answer());
          const pages = await openPages(subject.adminUrl);
          beside.push(await answer());
          setup.say(`${mode}, turn ${turn + 1}: ${await pages.close()} states were sent`);
        }
        const what = `line \`${mode}\` beside ${STREAMS_MAX} open pages: ${program.name}, of without`;
        const row = (name: string, of: (turn: Turn) => number, unit?: string) =>
          ratioRow(`${what}${name}`, beside.map(of), alone.map(of), AT_LEAST, undefined, unit);
        rows.push(row("", ({ rate }) => rate));
        rows.push(
          row(", for the daemon's processor", ({ ofProcessor }) => ofProcessor, " a second of its processor"),
        );
      }
    } finally {
      await subject.stop();
    }
  }
  return rows;
}

/** Browsers in a process of their own. `close` resolves with the states that they have got. */
async function openPages(adminUrl: string): Promise<{ close(): Promise<number> }> {
  const command = [process.execPath, join(import.meta.dir, "page-viewers.ts"), `${adminUrl}/events`];
  const child = Bun.spawn([...command, String(STREAMS_MAX)], { stdin: "pipe", stdout: "pipe" });
  await Bun.sleep(OPENED_MS);
  return {
    async close() {
      child.stdin.end();
      const { open, states } = JSON.parse(await new Response(child.stdout).text());
      if (open !== STREAMS_MAX || states < STREAMS_MAX) {
        throw new Error(`${open} pages were open, and got ${states} states`);
      }
      return states;
    },
  };
}
