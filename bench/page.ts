/**
 * The line protocol beside open pages: as many browsers as the admin listener takes hold the stream of news,
 * while visitors ask as fast as the daemon answers. Turns with and without them alternate.
 *
 * The browsers of this benchmark take processor time from the daemon and the visitors, and the rate swings by
 * more than its bound. So the pages' share of a core is measured as well: the processor time of the daemon
 * beside a few visitors, with the pages and without them.
 */

import { join } from "node:path";
import { STREAMS_MAX } from "../src/admin/admin-connection.ts";
import { LineClient } from "../test/support/line.ts";
import { buildLoad, type Mode } from "./line.ts";
import { processorMs } from "./process-costs.ts";
import { median, type Row, ratioRow } from "./report.ts";
import type { Setup } from "./setup.ts";
import { type Subject, startSubject } from "./subject.ts";

const LOADS: readonly (readonly [mode: Mode, connections: number])[] = [
  ["new", 32],
  ["keep", 16],
];

const AT_LEAST = 0.97;

/** The daemon answers on one core, so its rate falls by what the pages take of one. */
const CORE_PERCENT_MAX = 3;
const CORE_TURN_MS = 8_000;
const VISIT_EVERY_MS = 20;

/** The pages have their first states after this time. */
const OPENED_MS = 1_000;

export async function benchPage(setup: Setup): Promise<Row[]> {
  const load = await buildLoad();
  const rows: Row[] = [];
  for (const program of setup.programs) {
    const subject = await startSubject(program);
    try {
      for (const [mode, connections] of LOADS) {
        const [alone, beside]: [number[], number[]] = [[], []];
        await load(subject.socket, setup.seconds, connections, mode);
        for (let turn = 0; turn < setup.turns; turn++) {
          alone.push(await load(subject.socket, setup.seconds, connections, mode));
          const pages = await openPages(subject.adminUrl);
          beside.push(await load(subject.socket, setup.seconds, connections, mode));
          setup.say(`${mode}, turn ${turn + 1}: ${await pages.close()} states were sent`);
        }
        const what = `line \`${mode}\` beside ${STREAMS_MAX} open pages: ${program.name}, of without`;
        rows.push(ratioRow(what, beside, alone, AT_LEAST));
      }
      rows.push(await shareOfCore(subject, program.name, setup.turns));
    } finally {
      await subject.stop();
    }
  }
  return rows;
}

/** The processor time of the daemon for the pages, in percent of a core. */
async function shareOfCore(subject: Subject, name: string, turns: number): Promise<Row> {
  const visitor = await LineClient.connect({ path: subject.socket });
  let isOver = false;
  const visits = (async () => {
    // Each page gets a new state whenever there is news.
    while (!isOver) {
      await visitor.ask("0.1");
      await Bun.sleep(VISIT_EVERY_MS);
    }
  })();
  const percent = async () => {
    const before = processorMs(subject.pid);
    await Bun.sleep(CORE_TURN_MS);
    return ((processorMs(subject.pid) - before) / CORE_TURN_MS) * 100;
  };
  const shares: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const alone = await percent();
    const pages = await openPages(subject.adminUrl);
    shares.push((await percent()) - alone);
    await pages.close();
  }
  isOver = true;
  await visits;
  visitor.close();
  const share = median(shares);
  const spread = `${Math.min(...shares).toFixed(1)}–${Math.max(...shares).toFixed(1)}`;
  return {
    what: `${STREAMS_MAX} open pages, of a core: ${name}`,
    figure: `${share.toFixed(1)} % (turns ${spread})`,
    bound: `≤ ${CORE_PERCENT_MAX} %`,
    verdict: share <= CORE_PERCENT_MAX ? "ok" : "MISSED",
  };
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
