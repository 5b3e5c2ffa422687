/** The page of one daemon: what `status` prints for people. */

import type { ApplicationState, State } from "../../../admin/state.ts";
import { type Arc, isMaintenanceOn, MAINTENANCE } from "../../../circle.ts";
import { remarksOnArc } from "../../../records/remarks.ts";
import { arcsInForce, sharesOf } from "../../../records/share.ts";
import { shortRollout } from "../../../records/shown.ts";
import { durationText, rolloutText } from "../../../text/amounts.ts";
import { aligned, columns } from "../../../text/columns.ts";
import { oneLine } from "../../../text/one-line.ts";
import { remarkText } from "../../../verbs/change-text.ts";
import { releaseRows, releaseWarnings } from "./releases.ts";

export function statusPage(state: State): string {
  const parts = [
    aligned([
      ["version", state.version],
      ["pid", String(state.pid)],
      ["up", `${durationText(state.uptimeMs)}, since ${state.startedAt}`],
      ["ready", state.notReady ? `NO: ${state.notReady}` : "yes"],
      ["store", state.store],
      ["settings", state.config ?? "from no file"],
      ...controllerRows(state),
    ]),
    ...state.applications.map((application) => applicationPart(application, state)),
    columns(
      ["server", "answered", "failed", "connections", "accepted", "refused"],
      state.servers.map((server) => [
        server.name,
        String(server.success),
        String(server.failure),
        String(server.connections),
        String(server.accepted),
        String(server.refused),
      ]),
    ),
  ];
  return parts.join("\n");
}

function controllerRows({ controller }: State): string[][] {
  if (controller === undefined) return [];
  if (controller === null) return [["releases", "off: this daemon follows them, and leads none"]];
  const { name, problem, releases, advances, failures } = controller;
  const work = `${releases} led now, ${advances} steps forward, ${failures} attempts failed`;
  return [["releases", problem === null ? `on as ${name}: ${work}` : `NONE can be led: ${problem}`]];
}

/** Warnings that stderr gets, too; none if all is well. */
export function warningsOf(application: ApplicationState, storeFlags: State["storeFlags"]): string[] {
  const { name, fresh, ageMs, error, arcs } = application;
  const warnings: string[] = [];
  if (!fresh) {
    const age = ageMs === null ? "never read" : `last read ${durationText(ageMs)} ago`;
    warnings.push(`${name} IS STALE (${age}): ${staleText(arcs)}${error ? `; ${error}` : ""}`);
  }
  if (fresh && arcs.length === 0) {
    warnings.push(`${name} has no record in the store: all visitors go to master`);
  }
  if (isMaintenanceOn(application.arcs)) warnings.push(`${name} IS IN MAINTENANCE`);
  return [...warnings, ...releaseWarnings(application, storeFlags)];
}

function staleText(arcs: readonly Arc[]): string {
  const held = arcs.filter(({ failsafe, rollout, version }) => {
    return failsafe === "hold" && rollout > 0 && version !== MAINTENANCE;
  });
  if (held.length === 0) return "all visitors go to master";
  return `all visitors go to master, except the visitors of ${held.map(({ version }) => version).join(", ")} (failsafe hold)`;
}

function applicationPart(application: ApplicationState, state: State): string {
  const {
    name,
    fresh,
    ageMs,
    leaseMs,
    error,
    reads,
    arcs,
    malformed,
    decisions,
    reported = [],
  } = application;
  const facts = aligned(
    [
      ...(isMaintenanceOn(application.arcs)
        ? [["MAINTENANCE", "IS ON: the proxy shows its maintenance page; end it with set maintenance off"]]
        : []),
      ...releaseRows(application, state),
      ["rollouts", fresh ? "fresh" : `STALE: ${staleText(arcs)}`],
      ["age", ageMs === null ? "never read" : durationText(ageMs)],
      ["lease", durationText(leaseMs)],
      ["reads", `${reads.success} good, ${reads.failure} failed, ${reads.malformed} records malformed`],
      ...(malformed.length === 0 ? [] : [["malformed", malformedText(malformed)]]),
      ...(error === null ? [] : [["error", error]]),
    ],
    "  ",
  );
  const counts = decisions.map(({ location, reason, count }) => [location, reason, String(count)]);
  const told = reported.map(({ location, kind, count }) => [location, kind, String(count)]);
  return [
    `${oneLine(name)}\n${facts}`,
    arcs.length === 0 ? "  no version: all visitors go to master\n" : indented(circleTable(application)),
    counts.length === 0 ? "" : indented(columns(["location", "reason", "decisions"], counts)),
    told.length === 0 ? "" : indented(columns(["location", "as proxies report", "visitors"], told)),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

/** A malformed record counts as 0%. One of maintenance changes nothing (law 8). */
function malformedText(malformed: readonly string[]): string {
  const versions = malformed.filter((version) => version !== MAINTENANCE);
  const texts = versions.length === 0 ? [] : [`${versions.join(", ")}: each counts as 0%`];
  if (malformed.includes(MAINTENANCE)) texts.push("maintenance: it stays as it was");
  return texts.join("; ");
}

function circleTable(application: ApplicationState): string {
  const { arcs, fresh } = application;
  const inForce = arcsInForce(arcs, fresh);
  const shares = sharesOf(inForce);
  const hasShares = shares.taken.length > 0;
  return columns(
    ["version", "rollout", "share", "offset", "failsafe", "remark"],
    arcs.map((arc) => {
      const remarks = remarksOnArc(arc, inForce, shares).filter(({ kind }) => kind !== "maintenance-on");
      return [
        arc.version,
        rolloutCell(arc, fresh),
        hasShares && arc.version !== MAINTENANCE ? rolloutText(shares.byVersion.get(arc.version) ?? 0) : "",
        arc.offset === 0 ? "" : String(arc.offset),
        arc.failsafe === "master" ? "" : arc.failsafe,
        remarks.map(remarkText).join("; "),
      ];
    }),
  );
}

function rolloutCell({ version, rollout, failsafe }: Arc, fresh: boolean): string {
  const isInForce = version === MAINTENANCE || fresh || failsafe === "hold" || rollout === 0;
  if (isInForce) return shortRollout({ version, rollout });
  return `0% (was ${rolloutText(rollout)})`;
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
