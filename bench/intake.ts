/**
 * Outcomes: the cost of one line, and visitors' waits beside a daemon that hears 20 000 outcomes a second, or
 * many more than it can hear.
 */

import { writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { OutcomeCounts } from "../src/intake/counts.ts";
import { Intake } from "../src/intake/intake.ts";
import { Probes } from "../src/intake/probes.ts";
import { UdpSocket } from "../src/intake/udp-socket.ts";
import { releaseField } from "../src/releases/release-field.ts";
import { SYSTEM_TIMERS } from "../src/timers.ts";
import { releaseOf } from "../test/releases/world.ts";
import { DaemonProcess } from "../test/support/daemon-process.ts";
import { eventually } from "../test/support/eventually.ts";
import { freePort } from "../test/support/port.ts";
import { benchEvidenceMemory } from "./evidence-memory.ts";
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

/** Outcomes a second that are too many. A proxy goes on without an answer after this time. */
const TOO_MANY = 100_000;
const PROXY_MS = 8;

/** The time in which all reports of a flood are heard, or counted as dropped. */
const COUNTED_MS = 30_000;

const FLOOD = join(import.meta.dir, "../test/support/outcome-flood.ts");

export async function benchIntake(setup: Setup): Promise<Row[]> {
  const rows = [lineRow(setup.turns), ...(await benchEvidenceMemory())];
  const [program] = setup.programs;
  if (program === undefined) return rows;
  return [...rows, ...(await besideRows(program, setup))];
}

function lineRow(turns: number): Row {
  const intake = new Intake({
    ...{ applications: ["website"], counts: new OutcomeCounts(), examples: { dropped() {} } },
    follower: undefined,
    probes: new Probes(SYSTEM_TIMERS),
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

async function besideRows(program: Program, setup: Setup): Promise<Row[]> {
  const load = await compile("paced-load");
  const port = await freePort();
  const place = await placeFor(program, 9);
  // Without a release under way the daemon hears outcomes now and then only.
  const release = releaseOf({ arcs: [[Date.now(), 0.5, 0]], wrote: [0.5, 0] });
  const canary = { rollout: 0.5, offset: 0, release: releaseField(release) };
  writeFileSync(join(place.directory, "rollouts.json"), JSON.stringify({ website: { canary } }));
  const command = [...place.command, "-application", "app-0", "-outcomes", `127.0.0.1:${port}`];
  const child = Bun.spawn(command, {
    ...{ stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    // The same as in the launcher and in the systemd unit.
    env: { ...process.env, BUN_JSC_forceRAMSize: "134217728" },
  });
  // No program reads it, so the kernel drops what is sent there.
  const sink = UdpSocket.open({ host: "127.0.0.1", port: 0 });
  const seconds = Math.max(2, setup.seconds);
  try {
    const daemon = await DaemonProcess.of(child);
    const visits = async () => (await visit(load, place.socket, seconds, VISITORS, 1)).p99 / 1_000;
    const beside = async (rate: number, to: number) => {
      const flood = Bun.spawn([process.execPath, FLOOD, ...[to, rate, seconds + 1].map(String)], {
        stdout: "pipe",
      });
      // As if on another machine, so that visitors do not wait for the flood's own work.
      if (rate === TOO_MANY) setPriority(flood.pid, constants.priority.PRIORITY_LOW);
      const p99 = await visits();
      return { p99, sent: Number(await new Response(flood.stdout).text()) };
    };
    return [
      ...(await loadRows(daemon, setup, visits, (isHeard) => beside(OUTCOMES, isHeard ? port : sink.port))),
      ...(await floodRows(daemon, setup, seconds + 1, () => beside(TOO_MANY, port))),
    ];
  } finally {
    sink.close();
    child.kill("SIGTERM");
    await child.exited;
  }
}

/**
 * Each turn measures the visitors' waits while the daemon hears the outcomes, and while they go elsewhere.
 * The sender takes a part of the two cores in both, because the figure is the cost of hearing alone.
 */
async function loadRows(
  daemon: DaemonProcess,
  setup: Setup,
  visits: () => Promise<number>,
  besideThem: (isHeard: boolean) => Promise<Beside>,
): Promise<Row[]> {
  const alone: number[] = [];
  const unheard: number[] = [];
  const beside: number[] = [];
  let sent = 0;
  for (let turn = 0; turn < setup.turns; turn++) {
    alone.push(await visits());
    unheard.push((await besideThem(false)).p99);
    const turnBeside = await besideThem(true);
    beside.push(turnBeside.p99);
    sent += turnBeside.sent;
    setup.say(
      `outcomes: p99 ${alone.at(-1)} ms alone, ${unheard.at(-1)} ms if they go elsewhere, ${beside.at(-1)} ms`,
    );
  }
  const more = median(beside) - median(unheard);
  const what = `outcomes: ${thousands(OUTCOMES)} a second beside ${thousands(VISITORS)} decisions`;
  const details = `${median(beside).toFixed(2)} ms; ${median(unheard).toFixed(2)} ms if they go elsewhere; ${median(alone).toFixed(2)} ms alone`;
  const { dropped } = await countsOf(daemon);
  return [
    limitRow(`${what}: p99 of visitors, more`, more, "ms", details, P99_MORE_MS_AT_MOST),
    limitRow(`${what}: dropped`, dropped, "outcomes", `of ${thousands(sent)}`, DROPPED_AT_MOST),
  ];
}

/** The kernel drops the part of a flood that the daemon cannot hear, and the daemon counts it. */
async function floodRows(
  daemon: DaemonProcess,
  setup: Setup,
  seconds: number,
  besideThem: () => Promise<Beside>,
): Promise<Row[]> {
  const before = await countsOf(daemon);
  const p99s: number[] = [];
  let sent = 0;
  for (let turn = 0; turn < setup.turns; turn++) {
    const beside = await besideThem();
    p99s.push(beside.p99);
    sent += beside.sent;
    setup.say(
      `outcomes: p99 ${beside.p99} ms beside a flood of ${thousands(beside.sent / seconds)} a second`,
    );
  }
  const counted = async () => {
    const { heard, dropped } = await countsOf(daemon);
    return heard - before.heard + (dropped - before.dropped);
  };
  // A row tells if they are not all counted.
  await eventually(async () => (await counted()) === sent, "all reports", COUNTED_MS).catch(() => {});
  const { dropped } = await countsOf(daemon);
  const what = `outcomes: ${thousands(TOO_MANY)} a second beside ${thousands(VISITORS)} decisions`;
  const rate = `${thousands(sent / setup.turns / seconds)} a second were sent`;
  const parts = `of ${thousands(sent)}; ${thousands(dropped - before.dropped)} were dropped and counted`;
  return [
    limitRow(`${what}: p99 of visitors`, median(p99s), "ms", rate, PROXY_MS),
    limitRow(`${what}: not counted`, Math.abs(sent - (await counted())), "outcomes", parts, 0),
  ];
}

/** The visitors' waits beside outcomes, and how many outcomes the kernel took. */
interface Beside {
  readonly p99: number;
  readonly sent: number;
}

async function countsOf(
  daemon: DaemonProcess,
): Promise<{ readonly heard: number; readonly dropped: number }> {
  const page = await (await fetch(`${daemon.adminUrl}/metrics`)).text();
  const sum = (name: string) =>
    Array.from(page.matchAll(new RegExp(`^maxwells_daemon_${name}\\{(.*)\\} (\\d+)$`, "gm")))
      .filter(([, labels]) => labels?.includes('source="udp"'))
      .reduce((all, [, , count]) => all + Number(count), 0);
  return { heard: sum("outcomes_total"), dropped: sum("outcomes_dropped_total") };
}
