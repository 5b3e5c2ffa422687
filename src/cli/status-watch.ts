/**
 * `status -watch`: what share each version had of the decisions of the last seconds, beside the share that is ordered. It is
 * the difference of two answers of each daemon. On a terminal the page is drawn anew each time; into a pipe goes a line for
 * each application, or a line of JSON.
 *
 * A daemon counts what it is asked, and what proxies under a lease report. Some proxies that decide by themselves report
 * nothing: then the figures cannot show them, and the page says so.
 */

import type { ApplicationState, State } from "../admin/state.ts";
import { type Option, Problem } from "../config/option.ts";
import { type HostPort, parseDuration, rolloutText, single } from "../config/values.ts";
import type { Reason } from "../placement.ts";
import { durationText, oneLine, plainLines, table } from "../text.ts";
import type { Invocation } from "./command.ts";
import { CliError, EXITS } from "./exit.ts";
import { output } from "./output.ts";
import type { Answer } from "./status-fleet.ts";
import { isInMaintenance, orderedShares, warningsOf } from "./status-page.ts";

const INTERVAL_MIN_MS = 200;
const INTERVAL_MAX_MS = 3_600_000;

/** 128 + SIGINT, as a shell says it. */
const EXIT_INTERRUPTED = 130;

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

/** Servers of proxies that decide by themselves and report no decision, by the first word of their name. */
const SILENT_SERVERS: Readonly<Record<string, string>> = {
  "haproxy-map": "HAProxy with a map decides by itself and reports nothing",
  "apache-map": "Apache with a map decides by itself and reports nothing",
  traefik: "Traefik divides visitors by itself and reports nothing",
};

/** Decisions that do not come from a rollout: a tester's wish, or a request that is no visitor's. */
const BESIDE_ROLLOUTS: ReadonlySet<string> = new Set<Reason>(["forced", "invalid", "unknown-application"]);

/** One version in the time between two answers. */
interface VersionRate {
  readonly version: string;
  /** The share that is ordered, a fraction; null for a version that is not there any more. */
  readonly ordered: number | null;
  /** The share of the decisions, a fraction; null if there were none. */
  readonly now: number | null;
  readonly decisions: number;
}

interface ApplicationRates {
  readonly application: string;
  readonly fresh: boolean;
  readonly ageMs: number | null;
  readonly maintenance: boolean;
  readonly warnings: readonly string[];
  /** All decisions that come from rollouts. */
  readonly decisions: number;
  /** The others: forced, invalid. */
  readonly beside: number;
  readonly versions: readonly VersionRate[];
}

interface Reading {
  readonly at: string;
  readonly seconds: number;
  /** Daemons that do not answer, with the reason. */
  readonly missing: readonly string[];
  /** Why the figures do not show everything; empty if they do. */
  readonly unseen: readonly string[];
  readonly applications: readonly ApplicationRates[];
}

/** Resolves with the exit status when the operator ends it. Rejects if no daemon answers at the beginning. */
export async function watchStates(
  addresses: readonly HostPort[],
  intervalMs: number,
  ask: (address: HostPort) => Promise<Answer>,
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

function compare(before: readonly Answer[], after: readonly Answer[], seconds: number): Reading {
  const pairs = after.map(({ state }, index) => ({ now: state, was: before[index]?.state ?? null }));
  const states = after.flatMap(({ state }) => (state === null ? [] : [state]));
  const names = [...new Set(states.flatMap(({ applications }) => applications.map(({ name }) => name)))];
  const silent = states.flatMap(({ servers }) =>
    servers.flatMap(({ name }) => SILENT_SERVERS[name.split(" ", 1)[0] ?? ""] ?? []),
  );
  return {
    at: new Date().toISOString(),
    seconds: Number(seconds.toFixed(3)),
    missing: after.flatMap(({ admin, error }) => (error === null ? [] : [`${admin}: ${error.message}`])),
    unseen: [...new Set(silent)].map((why) => `${why}: its visitors are not in these figures`),
    applications: names.flatMap((name) => ratesOf(name, pairs)),
  };
}

interface Pair {
  readonly now: State | null;
  readonly was: State | null;
}

/** The decisions of all daemons together. What is ordered is what the first of them has. */
function ratesOf(name: string, pairs: readonly Pair[]): ApplicationRates[] {
  const counts = new Map<string, number>();
  let beside = 0;
  for (const { now, was } of pairs) {
    for (const { location, reason, count } of grownBy(name, now, was)) {
      if (BESIDE_ROLLOUTS.has(reason)) beside += count;
      else counts.set(location, (counts.get(location) ?? 0) + count);
    }
  }
  const first = pairs.map(({ now }) => applicationOf(name, now)).find((each) => each !== undefined);
  if (first === undefined) return [];
  const decisions = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const ordered = orderedShares(first);
  const versions = [...new Set([...ordered.keys(), ...counts.keys()])].map((version) => ({
    version,
    ordered: ordered.get(version) ?? null,
    now: decisions === 0 ? null : (counts.get(version) ?? 0) / decisions,
    decisions: counts.get(version) ?? 0,
  }));
  const { fresh, ageMs } = first;
  const maintenance = isInMaintenance(first);
  return [
    {
      application: name,
      fresh,
      ageMs,
      maintenance,
      warnings: warningsOf(first),
      decisions,
      beside,
      versions,
    },
  ];
}

/** How much each count of an application grew. After a restart of the daemon it counts from 0 again. */
function grownBy(name: string, now: State | null, was: State | null): ApplicationState["decisions"] {
  const after = countsOf(applicationOf(name, now));
  const isSame = now?.pid === was?.pid && now?.startedAt === was?.startedAt;
  if (was === null) return [];
  const before = isSame ? countsOf(applicationOf(name, was)) : [];
  return after.map(({ location, reason, count }) => {
    const known = before.find((each) => each.location === location && each.reason === reason);
    return { location, reason, count: count - (known?.count ?? 0) };
  });
}

/** What the daemon decided, and what proxies reported; a daemon of an older version tells both in one. */
function countsOf(application: ApplicationState | undefined): ApplicationState["decisions"] {
  if (application === undefined) return [];
  const reported = application.reported ?? [];
  return [
    ...application.decisions,
    ...reported.map(({ location, kind, count }) => ({ location, reason: `reported as ${kind}`, count })),
  ];
}

function applicationOf(name: string, state: State | null): ApplicationState | undefined {
  return state?.applications.find((each) => each.name === name);
}

function screen(reading: Reading, daemons: number): string {
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

function heading({ application, ageMs, warnings, decisions, beside }: ApplicationRates): string {
  const age = ageMs === null ? "never read" : `read ${durationText(ageMs)} ago`;
  const facts = [age, `${decisions} decisions`, ...(beside === 0 ? [] : [`${beside} forced or invalid`])];
  return [`${application}: ${facts.join(", ")}`, ...warnings].map(oneLine).join("\n");
}

function versionTable({ versions }: ApplicationRates, seconds: number): string {
  return table(
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
function lines({ at, seconds, missing, unseen, applications }: Reading): string {
  const rows = applications.map(({ application, fresh, maintenance, decisions, versions }) => {
    const shares = versions.map(
      ({ version, ordered, now }) =>
        `${version}=${now === null ? "–" : percent(now)}/${ordered === null ? "gone" : rolloutText(ordered)}`,
    );
    const alarms = `${fresh ? "" : " STALE"}${maintenance ? " MAINTENANCE" : ""}`;
    return `${at} ${application}${alarms} ${decisions} decisions in ${seconds.toFixed(1)}s now/ordered ${shares.join(" ")}`;
  });
  const notes = [...missing.map((text) => `NO ANSWER from ${text}`), ...unseen];
  return [...rows, ...notes.map((note) => `${at} ${note}`)].map((line) => `${oneLine(line)}\n`).join("");
}

/** One decimal is as much as a few seconds can tell. */
function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(1)}%`;
}
