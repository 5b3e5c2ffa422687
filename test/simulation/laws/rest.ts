/**
 * The laws of a fleet at rest: nothing goes wrong any more, and nothing has changed for some minutes. Each
 * release is at an end, or says truly what it waits for. All daemons see and say the same.
 */

import { checkRecord } from "../../../src/records/check.ts";
import type { Condition } from "../../../src/releases/due.ts";
import { type Fade, isUnderWay, type Release } from "../../../src/releases/release.ts";
import type { Now } from "../../../src/releases/request.ts";
import { FREEZE, freezeIn } from "../../../src/verbs/freeze.ts";
import { nowIn } from "../../../src/verbs/look.ts";
import type { Machine } from "../daemon.ts";
import type { Simulation } from "../simulation.ts";
import { type Fault, seconds } from "./history.ts";
import { nowOfRecord } from "./knowledge.ts";

/** Timers of a daemon without a release: the feed's next read, and the age of its tables. */
const ASLEEP_TIMERS = 2;

export function restFault(simulation: Simulation): Fault {
  const { engine, application, machines } = simulation;
  const snapshot = engine.snapshot(application);
  for (const version of snapshot.keys()) {
    const fault = versionFault(simulation, version, nowIn(snapshot, version));
    if (fault !== undefined) return fault;
  }
  const isBusy = [...snapshot].some(([version, record]) => {
    const { found } = nowOfRecord(version, record);
    return found.kind === "release" && (isUnderWay(found.release) || found.release.fade !== undefined);
  });
  for (const machine of machines) {
    const fault = machineFault(machine, simulation, isBusy);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function versionFault(simulation: Simulation, version: string, now: Now): Fault {
  const { found, isMalformed } = now;
  const leaders = leadersOf(simulation);
  if (found.kind !== "release" || isMalformed || leaders.length === 0) return undefined;
  const { release } = found;
  if (simulation.abilities.hasEvidence) {
    const fault = simulation.noticeLaws.restFault(release, simulation.receiver.notices);
    if (fault !== undefined) return fault;
  }
  if (!isUnderWay(release)) {
    if (release.fade !== undefined && !isDelayed(simulation, release.fade)) {
      return ["15 stuck", `${version} fades at ${now.rollout} for good`];
    }
    return behindFault(simulation, version, now, release);
  }
  if (now.rollout !== release.wrote[0] || now.offset !== release.wrote[1]) {
    return ["11", `${version} has a foreign rollout, and no controller has answered`];
  }
  return (
    behindFault(simulation, version, now, release) ??
    stateFault(simulation, version, now, release) ??
    viewFault(simulation, version, release)
  );
}

/** Whether a clock went back, so that the fade takes longer. It waits for that clock, and says so. */
function isDelayed({ engine, machines }: Simulation, [, sinceMs, durationMs]: Fade): boolean {
  const clocks = engine.options.hasClock
    ? [engine.storeMs]
    : machines.flatMap(({ life }) => (life?.controller === undefined ? [] : [life.process.wallClock()]));
  return clocks.every((nowMs) => nowMs < sinceMs + durationMs);
}

/** Law 17: a daemon that knows better has written it. */
function behindFault(simulation: Simulation, version: string, now: Now, release: Release): Fault {
  if (now.rollout === 0 && !isUnderWay(release)) return undefined;
  for (const { name, life } of leadersOf(simulation)) {
    if (life === undefined) continue;
    const behind = simulation.knowledge.of(life.process).isBehind(simulation.application, version, release);
    const isMoving = release.state === "running" || (!isUnderWay(release) && now.rollout > 0);
    if (behind !== undefined && isMoving) {
      return [
        "17",
        `${version} is ${release.state} at seq ${release.seq}, and ${name} knows better: ${behind}`,
      ];
    }
  }
  return undefined;
}

/** A release that goes no further has a reason. */
function stateFault(simulation: Simulation, version: string, now: Now, release: Release): Fault {
  const what = `${version} is ${release.state} at step ${release.step}`;
  if (release.state === "paused") {
    const by = release.log.at(-1)?.[5] ?? "";
    return release.reason !== undefined || by.includes("@")
      ? undefined
      : ["15 stuck", `${what} without a reason`];
  }
  if (release.state === "promoted") return undefined;
  if (now.otherVersion !== undefined) return ["15 stuck", `${what} beside ${now.otherVersion}`];
  return hindranceOf(simulation, now, release) === undefined
    ? ["15 stuck", `${what}, and nothing holds it back`]
    : undefined;
}

/** The thing that really holds a running release back; undefined if nothing does. */
function hindranceOf(simulation: Simulation, { plan }: Now, release: Release): Condition["kind"] | undefined {
  if (hasSign(simulation, release)) return "sign";
  const step = plan?.steps[release.step - 1];
  if (plan === undefined || step === undefined) return "plan";
  const { wait } = step;
  if (wait.approve) return "approve";
  if (wait.ok !== undefined && wait.ok.boundMs === undefined) return "ok";
  if (wait.checks.some((check) => !simulation.answers.get(check))) return "check";
  if (freezeIn(simulation.engine.snapshot(FREEZE.application)).isFrozen) return "freeze";
  if (release.windows !== undefined) return "windows";
  const hasOk = plan.steps.some((each) => each.wait.ok !== undefined);
  return hasOk && !simulation.abilities.hasEvidence ? "evidence" : undefined;
}

/** Whether the judge has raised a sign. Daemons that were cut off may have served older arcs. */
function hasSign({ machines, application }: Simulation, { key }: Release): boolean {
  return machines.some(({ life }) =>
    ["canary", "blue"].some(
      (version) => (life?.hearings?.of({ application, version }, key)?.signs().length ?? 0) > 0,
    ),
  );
}

/** Each leader shows the release, its leaders, and what it waits for. */
function viewFault(simulation: Simulation, version: string, release: Release): Fault {
  const leaders = leadersOf(simulation);
  const names = leaders
    .filter(canLead)
    .map(({ name }) => name)
    .sort();
  for (const { name, life } of leaders) {
    const view = life?.controller?.view().releases.find((each) => each.version === version);
    if (view === undefined) return ["view", `${name} does not show the release of ${version}`];
    if (view.release.tx !== release.tx) return ["view", `${name} shows an older state of ${version}`];
    if (!canLead({ life })) continue;
    const expected = simulation.abilities.hasEvidence ? names : [name];
    if (view.ledBy.join() !== expected.join()) {
      return [
        "presence",
        `${name} says that ${version} is led by ${view.ledBy.join()}, not ${expected.join()}`,
      ];
    }
    if (view.isUnled) return ["presence", `${name} says that no daemon leads ${version}`];
    if (view.problem !== undefined) return ["view", `${name} has a problem with ${version}: ${view.problem}`];
    const open = view.waits.filter(({ state }) => state !== "met");
    if (release.state !== "promoted" && open.length === 0) {
      return ["15 stuck", `${name} does not say what ${version} waits for`];
    }
  }
  return undefined;
}

function machineFault(machine: Machine, simulation: Simulation, isBusy: boolean): Fault {
  const { life, name } = machine;
  if (life === undefined) return ["feed", `${name} is down at rest`];
  const { engine, application } = simulation;
  const table = life.rollout.table(application);
  if (table?.isFresh(life.process.clock()) !== true) return ["feed", `${name} has no fresh table at rest`];
  const overrides = life.overrides?.all ?? [];
  for (const [version, { value }] of engine.snapshot(application)) {
    const isOverridden = overrides.some((each) => each.version === version);
    const wanted = isOverridden ? 0 : checkRecord(version, value).arc.rollout;
    const served = table.arcs.find((arc) => arc.version === version)?.rollout ?? 0;
    if (served !== wanted) return ["feed", `${name} serves ${version} to ${served}, and not to ${wanted}`];
  }
  for (const { version } of overrides) {
    const now = nowOfRecord(version, engine.record(application, version));
    if (now.found.kind !== "problem" && !now.isMalformed) {
      return ["override", `${name} still has an override of ${version} at rest`];
    }
  }
  const timers = life.process.timersSet;
  if (!isBusy && timers > ASLEEP_TIMERS + (overrides.length > 0 ? 1 : 0)) {
    return ["asleep", `${name} has ${timers} timers without a release, ${seconds(life.process.clock())}`];
  }
  return undefined;
}

/** A daemon whose writes were refused once believes so until it writes again. */
function canLead({ life }: Pick<Machine, "life">): boolean {
  return life?.controller?.view().problem === undefined;
}

function leadersOf({ machines }: Simulation): readonly Machine[] {
  return machines.filter(({ options }) => options.leads);
}
