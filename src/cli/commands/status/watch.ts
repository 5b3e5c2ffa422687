/**
 * `status -watch`: the share that each version had of the last decisions, beside the share that is ordered.
 * It is the difference between two answers of each daemon. A terminal gets the page again each time; a pipe
 * gets a line for each application, or a line of JSON.
 */

import type { HostPort } from "../../../address.ts";
import { type Option, Problem } from "../../../config/option.ts";
import { parseDuration, single } from "../../../config/values.ts";
import { durationText, rolloutText } from "../../../text/amounts.ts";
import { columns } from "../../../text/columns.ts";
import { oneLine, plainLines } from "../../../text/one-line.ts";
import type { Invocation } from "../../command.ts";
import { CliError, EXIT_INTERRUPTED, EXITS } from "../../exit.ts";
import { output } from "../../output.ts";
import type { DaemonAnswer } from "./fleet.ts";
import { type ApplicationRates, compare, type FleetRates } from "./rates.ts";

const INTERVAL_MIN_MS = 200;
const INTERVAL_MAX_MS = 3_600_000;

/** Clears the screen, and goes to its first line. */
const CLEAR = "\u001b[2J\u001b[H";

export const watch: Option<number | undefined> = single<number | undefined>(
  {
    name: "watch",
    placeholder: "DURATION",
    impliedText: "2s",
    summary: "show the decisions of the last seconds again and again: every 2s without a value",
    flagOnly: true,
  },
  (text) => {
    const ms = parseDuration(text);
    return typeof ms === "number" && (ms < INTERVAL_MIN_MS || ms > INTERVAL_MAX_MS)
      ? new Problem("write a duration from 200ms to 1h")
      : ms;
  },
);

/** Resolves with the exit status when the operator ends it. Rejects if no daemon answers at the beginning. */
export async function watchStates(
  addresses: readonly HostPort[],
  intervalMs: number,
  ask: (address: HostPort) => Promise<DaemonAnswer>,
  { settings, io }: Invocation,
): Promise<number> {
  const interrupted = Promise.withResolvers<"interrupted">();
  io.onInterrupt?.(() => interrupted.resolve("interrupted"));
  const askAll = () => Promise.all(addresses.map(ask));
  let before = await askAll();
  let beforeMs = performance.now();
  if (before.every(({ state }) => state === null)) {
    throw new CliError("unreachable", before[0]?.error?.message ?? "no answer", "is the daemon running?");
  }
  const isJson = settings.get(output) === "json";
  for (;;) {
    // A timer that is left behind would keep the process.
    const pause = Promise.withResolvers<"next">();
    const timer = setTimeout(() => pause.resolve("next"), intervalMs);
    const next = await Promise.race([pause.promise, interrupted.promise]);
    clearTimeout(timer);
    if (next === "interrupted") return EXIT_INTERRUPTED;
    const after = await askAll();
    const nowMs = performance.now();
    const reading = compare(before, after, (nowMs - beforeMs) / 1000);
    if (isJson) io.stdout.write(`${oneLine(JSON.stringify(reading))}\n`);
    else io.stdout.write(io.stdout.isTerminal ? CLEAR + screen(reading, addresses.length) : lines(reading));
    if (io.stdout.isGone) return EXITS.ok.status;
    before = after;
    beforeMs = nowMs;
  }
}

function screen(reading: FleetRates, daemons: number): string {
  const { at, seconds, missing, unseen, applications } = reading;
  const who = daemons === 1 ? "" : `, ${daemons - missing.length} of ${daemons} daemons`;
  const parts = [
    `${at}  the last ${seconds.toFixed(1)}s${who}; Ctrl-C ends it\n`,
    ...missing.map((text) => `NO ANSWER from ${text}\n`),
    ...applications.map((each) => `\n${heading(each)}\n${versionTable(each, seconds)}`),
    ...unseen.map((text) => `\n${text}\n`),
  ];
  return plainLines(parts.join(""));
}

function heading({ application, ageMs, warnings, releases, decisions, beside }: ApplicationRates): string {
  const age = ageMs === null ? "never read" : `read ${durationText(ageMs)} ago`;
  const facts = [age, `${decisions} decisions`, ...(beside === 0 ? [] : [`${beside} forced or invalid`])];
  return [`${application}: ${facts.join(", ")}`, ...releases, ...warnings].map(oneLine).join("\n");
}

function versionTable({ versions }: ApplicationRates, seconds: number): string {
  return columns(
    ["  version", "ordered", "now", "per second"],
    versions.map(({ version, ordered, now, decisions }) => [
      `  ${version}`,
      ordered === null ? "gone" : rolloutText(ordered),
      now === null ? "–" : percent(now),
      (decisions / seconds).toFixed(1),
    ]),
  );
}

/** For a pipe: one line an application, which `grep` and `awk` can take. */
function lines({ at, seconds, missing, unseen, applications }: FleetRates): string {
  const rows = applications.map(({ application, fresh, maintenance, decisions, versions, releases }) => {
    const shares = versions.map(
      ({ version, ordered, now }) =>
        `${version}=${now === null ? "–" : percent(now)}/${ordered === null ? "gone" : rolloutText(ordered)}`,
    );
    const alarms = `${fresh ? "" : " STALE"}${maintenance ? " MAINTENANCE" : ""}`;
    return `${at} ${application}${alarms} ${decisions} decisions in ${seconds.toFixed(1)}s now/ordered ${[...shares, ...releases].join(" ")}`;
  });
  const notes = [...missing.map((text) => `NO ANSWER from ${text}`), ...unseen];
  return [...rows, ...notes.map((note) => `${at} ${note}`)].map((line) => `${oneLine(line)}\n`).join("");
}

/** One decimal is as much as a few seconds can tell. */
function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(1)}%`;
}
