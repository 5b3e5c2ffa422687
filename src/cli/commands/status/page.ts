/** The page of one daemon: what `status` prints for people. */

import type { ApplicationState, State } from "../../../admin/state.ts";
import { type Arc, MAINTENANCE, MASTER } from "../../../circle.ts";
import { rolloutText } from "../../../config/values.ts";
import { isHoldingPart } from "../../../records/fields.ts";
import { sharesOf } from "../../../records/share.ts";
import { aligned, durationText, oneLine, table } from "../../../text.ts";
import { overlapText } from "../../records/change-text.ts";
import { switchText } from "../../records/rollouts.ts";

export function statusPage(state: State): string {
  const parts = [
    aligned([
      ["version", state.version],
      ["pid", String(state.pid)],
      ["up", `${durationText(state.uptimeMs)}, since ${state.startedAt}`],
      ["ready", state.notReady ? `NO: ${state.notReady}` : "yes"],
      ["store", state.store],
      ["settings", state.config ?? "from no file"],
    ]),
    ...state.applications.map(applicationPart),
    table(
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

/** What has to be told on stderr as well, if there is anything. */
export function warningsOf(application: ApplicationState): string[] {
  const { name, fresh, ageMs, error, arcs } = application;
  const warnings: string[] = [];
  if (!fresh) {
    const age = ageMs === null ? "never read" : `last read ${durationText(ageMs)} ago`;
    warnings.push(`${name} IS STALE (${age}): ${staleText(arcs)}${error ? `; ${error}` : ""}`);
  }
  if (fresh && arcs.length === 0) {
    warnings.push(`${name} has no record in the store: everyone goes to master`);
  }
  if (isInMaintenance(application)) warnings.push(`${name} IS IN MAINTENANCE`);
  return warnings;
}

export function isInMaintenance({ arcs }: ApplicationState): boolean {
  return arcs.some(({ version, rollout }) => version === MAINTENANCE && rollout > 0);
}

/** The arcs that count now: of stale ones those that hold. */
export function arcsInForce({ fresh, arcs }: ApplicationState): Arc[] {
  return arcs.filter((arc) => arc.version !== MAINTENANCE && (fresh || arc.failsafe === "hold"));
}

/** The share of each version in force, master's among them: fractions of all visitors. */
export function orderedShares(application: ApplicationState): Map<string, number> {
  const { byVersion } = sharesOf(arcsInForce(application));
  const others = [...byVersion.values()].reduce((sum, share) => sum + share, 0);
  return new Map([...byVersion, [MASTER, Number(Math.max(0, 1 - others).toPrecision(12))]]);
}

function staleText(arcs: readonly Arc[]): string {
  const held = arcs.filter(({ failsafe, rollout, version }) => {
    return failsafe === "hold" && rollout > 0 && version !== MAINTENANCE;
  });
  if (held.length === 0) return "everyone goes to master";
  return `everyone goes to master, except the visitors of ${held.map(({ version }) => version).join(", ")} (failsafe hold)`;
}

function applicationPart(application: ApplicationState): string {
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
      ...(isInMaintenance(application)
        ? [["MAINTENANCE", "IS ON: the proxy shows its maintenance page; end it with set maintenance off"]]
        : []),
      ["rollouts", fresh ? "fresh" : `STALE: ${staleText(arcs)}`],
      ["age", ageMs === null ? "never read" : durationText(ageMs)],
      ["lease", durationText(leaseMs)],
      ["reads", `${reads.success} good, ${reads.failure} failed, ${reads.malformed} records malformed`],
      ...(malformed.length === 0 ? [] : [["malformed", `${malformed.join(", ")}: each counts as 0%`]]),
      ...(error === null ? [] : [["error", error]]),
    ],
    "  ",
  );
  const counts = decisions.map(({ location, reason, count }) => [location, reason, String(count)]);
  const told = reported.map(({ location, kind, count }) => [location, kind, String(count)]);
  return [
    `${oneLine(name)}\n${facts}`,
    arcs.length === 0 ? "  no version: everyone goes to master\n" : indented(circleTable(application)),
    counts.length === 0 ? "" : indented(table(["location", "reason", "decisions"], counts)),
    told.length === 0 ? "" : indented(table(["location", "as proxies report", "visitors"], told)),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function circleTable(application: ApplicationState): string {
  const { arcs, fresh } = application;
  const inForce = arcsInForce(application);
  const { byVersion, taken } = sharesOf(inForce);
  const hasShares = taken.length > 0;
  return table(
    ["version", "rollout", "share", "offset", "failsafe", "remark"],
    arcs.map((arc) => {
      const remarks = [
        ...(isHoldingPart(arc) ? ["holds below 100%"] : []),
        ...taken.filter(({ from }) => from === arc.version).map((each) => overlapText(each, inForce)),
      ];
      return [
        arc.version,
        rolloutCell(arc, fresh),
        hasShares && arc.version !== MAINTENANCE ? rolloutText(byVersion.get(arc.version) ?? 0) : "",
        arc.offset === 0 ? "" : String(arc.offset),
        arc.failsafe === "master" ? "" : arc.failsafe,
        remarks.join("; "),
      ];
    }),
  );
}

function rolloutCell({ version, rollout, failsafe }: Arc, fresh: boolean): string {
  if (version === MAINTENANCE) return switchText(rollout);
  if (fresh || failsafe === "hold" || rollout === 0) return rolloutText(rollout);
  return `0% (was ${rolloutText(rollout)})`;
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
