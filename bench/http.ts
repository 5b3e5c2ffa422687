/**
 * Decisions over HTTP on loopback, against a `Bun.serve` with an empty handler (`http-limit.ts`), under wrk's
 * load.
 */

import { join } from "node:path";
import { notMeasuredRow, type Row, ratioRow, revisionRow, thousands } from "./report.ts";
import type { Setup } from "./setup.ts";
import { type Subject, startSubject } from "./subject.ts";

const WHAT = "HTTP `/decide`, 16 connections";
const AT_LEAST = 0.8;
const CONNECTIONS = 16;
const ASSIGNMENT = "0.123456789";
const WARM_UP_SECONDS = 1;

export const WRK_MISSING = "wrk is missing; apt-get install wrk";

export async function benchHttp(setup: Setup): Promise<Row[]> {
  if (Bun.which("wrk") === null) return [notMeasuredRow(WHAT, WRK_MISSING)];
  const limit = await startLimit();
  const subjects: Subject[] = [];
  for (const program of setup.programs) subjects.push(await startSubject(program));
  const before = setup.against && (await startSubject(setup.against.program));
  if (before !== undefined) subjects.push(before);
  for (const { decideUrl } of subjects) await expectDecision(decideUrl);
  const targets = [limit, ...subjects].map(({ name, decideUrl }) => ({ name, decideUrl }));

  const rates = targets.map((): number[] => []);
  for (const { decideUrl } of targets) await load(decideUrl, WARM_UP_SECONDS);
  for (let turn = 0; turn < setup.turns; turn++) {
    for (const [index, { name, decideUrl }] of targets.entries()) {
      const rate = await load(decideUrl, wrkSeconds(setup));
      rates[index]?.push(rate);
      setup.say(`HTTP, turn ${turn + 1}, ${name}: ${thousands(rate)}`);
    }
  }
  await limit.stop();
  for (const subject of subjects) await subject.stop();
  const [yardstick = [], ...others] = rates;
  const ofBefore = before === undefined ? undefined : others.pop();
  return others.flatMap((ofThis, index) => {
    const what = `${WHAT}: ${subjects[index]?.name}`;
    const row = ratioRow(what, ofThis, yardstick, AT_LEAST);
    return ofBefore === undefined
      ? [row]
      : [row, revisionRow(`${what}, of ${before?.name}`, ofThis, ofBefore)];
  });
}

/** The time that wrk gets, because it counts in whole seconds. */
export function wrkSeconds(setup: Setup): number {
  return Math.max(1, Math.round(setup.seconds));
}

async function startLimit(): Promise<{ name: string; decideUrl: string; stop(): Promise<void> }> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "http-limit.ts")], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  if (value === undefined) throw new Error("the yardstick for HTTP does not start");
  return {
    name: "yardstick",
    // Both get the same request.
    decideUrl: `${new TextDecoder().decode(value).trim()}/decide`,
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}

/** Checks one answer here, because wrk sees only the status. */
async function expectDecision(url: string): Promise<void> {
  const { headers } = await fetch(url, { headers: { maxwellsdaemon: ASSIGNMENT } });
  const answer = `${headers.get("maxwellsdaemon")} ${headers.get("maxwellsdaemon-location")}`;
  if (answer !== `${ASSIGNMENT} canary`) throw new Error(`${url} answers ${answer}`);
}

/** One turn of wrk. Resolves with requests a second. */
async function load(url: string, seconds: number): Promise<number> {
  // biome-ignore format: a flag and its value
  const child = Bun.spawn([
    "wrk", "-t", "1", "-c", String(CONNECTIONS), "-d", `${seconds}s`,
    "-H", `maxwellsdaemon: ${ASSIGNMENT}`, url,
  ], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const report = await new Response(child.stdout).text();
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(report)?.[1]);
  if (!(rate > 0) || /Non-2xx|Socket errors/.test(report)) throw new Error(`wrk saw errors:\n${report}`);
  return rate;
}
