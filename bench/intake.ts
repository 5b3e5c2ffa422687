/**
 * Outcomes: the cost of one line, and visitors' waits beside a daemon that hears 20 000 outcomes a second.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { OutcomeCounts } from "../src/intake/counts.ts";
import { Intake } from "../src/intake/intake.ts";
import { releaseField } from "../src/releases/release-field.ts";
import { releaseOf } from "../test/releases/world.ts";
import { DaemonProcess } from "../test/support/daemon-process.ts";
import { freePort } from "../test/support/port.ts";
import { compile } from "./line.ts";
import { visit } from "./many.ts";
import { limitRow, median, type Row, thousands } from "./report.ts";
import type { Setup } from "./setup.ts";
import { type Program, placeFor } from "./subject.ts";

const LINES = 100_000;
const LINE_US_AT_MOST = 4;

/** Visitors and outcomes a second. */
const VISITORS = 10_000;
const OUTCOMES = 20_000;

const P99_MORE_MS_AT_MOST = 0.2;
const DROPPED_AT_MOST = 0;

const FLOOD = join(import.meta.dir, "../test/support/outcome-flood.ts");

export async function benchIntake(setup: Setup): Promise<Row[]> {
  const rows = [lineRow(setup.turns)];
  const [program] = setup.programs;
  if (program === undefined) return rows;
  return [...rows, ...(await besideRows(program, setup))];
}

function lineRow(turns: number): Row {
  const intake = new Intake({
    ...{ applications: ["website"], counts: new OutcomeCounts(), examples: { dropped() {} } },
    follower: undefined,
  });
  const lines = Array.from(
    { length: LINES },
    (_, index) => `website canary 0.${100_000 + index}123456789 200 0.027 1 source=192.0.2.${index % 250}`,
  );
  const times = Array.from({ length: turns }, () => {
    const before = process.cpuUsage();
    for (const line of lines) intake.report(line, "udp");
    const { user, system } = process.cpuUsage(before);
    return (user + system) / LINES;
  });
  return limitRow("outcomes: a line", median(times), "µs", "of processor time", LINE_US_AT_MOST);
}

/** Each turn measures the visitors' waits without outcomes and beside them, one after the other. */
async function besideRows(program: Program, setup: Setup): Promise<Row[]> {
  const load = await compile("paced-load");
  const port = await freePort();
  const place = await placeFor(program, 9);
  // Without a release under way the daemon hears outcomes now and then only.
  const release = releaseOf({ arcs: [[Date.now(), 0.5, 0]], wrote: [0.5, 0] });
  const canary = { rollout: 0.5, offset: 0, release: releaseField(release) };
  writeFileSync(join(place.directory, "rollouts.json"), JSON.stringify({ website: { canary } }));
  const command = [...place.command, "-application", "app-0", "-outcomes", `127.0.0.1:${port}`];
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const seconds = Math.max(2, setup.seconds);
  try {
    const daemon = await DaemonProcess.of(child);
    const alone: number[] = [];
    const beside: number[] = [];
    let sent = 0;
    for (let turn = 0; turn < setup.turns; turn++) {
      alone.push((await visit(load, place.socket, seconds, VISITORS, 1)).p99);
      const flood = Bun.spawn([process.execPath, FLOOD, ...[port, OUTCOMES, seconds + 1].map(String)], {
        stdout: "pipe",
      });
      beside.push((await visit(load, place.socket, seconds, VISITORS, 1)).p99);
      sent += Number(await new Response(flood.stdout).text());
      setup.say(`outcomes: p99 ${alone.at(-1)} µs alone, ${beside.at(-1)} µs beside them`);
    }
    const more = (median(beside) - median(alone)) / 1_000;
    const what = `outcomes: ${thousands(OUTCOMES)} a second beside ${thousands(VISITORS)} decisions`;
    const details = `${(median(beside) / 1_000).toFixed(2)} ms beside ${(median(alone) / 1_000).toFixed(2)} ms`;
    const dropped = await droppedBy(daemon);
    return [
      limitRow(`${what}: p99 of visitors, more`, more, "ms", details, P99_MORE_MS_AT_MOST),
      limitRow(`${what}: dropped`, dropped, "outcomes", `of ${thousands(sent)}`, DROPPED_AT_MOST),
    ];
  } finally {
    child.kill("SIGTERM");
    await child.exited;
  }
}

async function droppedBy(daemon: DaemonProcess): Promise<number> {
  const page = await (await fetch(`${daemon.adminUrl}/metrics`)).text();
  const counts = page.matchAll(/^maxwells_daemon_outcomes_dropped_total\{.*\} (\d+)$/gm);
  return Array.from(counts, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0);
}
