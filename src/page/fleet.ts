/** The daemons of a fleet, as far as the evidence of a release shows them. Pure. */

import type { Member } from "../evidence/crew.ts";
import { PRESENCE_MS_MAX } from "../evidence/crew.ts";
import type { Overridden } from "../evidence/news.ts";
import type { Reporter } from "../evidence/reporters.ts";
import { loggedTransitions } from "../releases/logged.ts";
import type { Release } from "../releases/release.ts";
import { oneLine } from "../text/one-line.ts";
import type { MemberNews } from "./news.ts";

/** A longer list is cut: it comes with each state. */
const MEMBERS_MAX = 64;

export interface FleetFacts {
  /** The name of this daemon. */
  readonly name: string;
  readonly release: Release;
  /** By the store's clock. */
  readonly nowMs: number;
  readonly members: readonly Member[];
  readonly overrides: readonly Overridden[];
  readonly reporters: readonly Reporter[];
}

/** Sorted by name; daemons that lead come first. */
export function fleetNews(facts: FleetFacts): MemberNews[] {
  const { members, overrides, reporters } = facts;
  const names = new Set([...members, ...overrides, ...reporters].map(({ name }) => name));
  return Array.from(names, (name) => memberNews(name, facts))
    .sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
    .slice(0, MEMBERS_MAX);
}

function memberNews(
  name: string,
  { name: own, release, nowMs, members, overrides, reporters }: FleetFacts,
): MemberNews {
  const member = members.find((each) => each.name === name);
  const reporter = reporters.find((each) => each.name === name);
  const override = overrides.find((each) => each.name === name);
  const isHeard = member !== undefined && Number.isFinite(member.agoMs);
  return {
    ...{ name: oneLine(name), isThis: name === own, role: roleOf(member) },
    heardAgoMs: isHeard ? Math.max(0, Math.round(member.agoMs)) : null,
    step: member === undefined ? null : stepAt(release, member.seq),
    isUpToDate: member === undefined || member.seq >= release.seq,
    outcomes: reporter?.outcomes ?? null,
    outcomeAgoMs: reporter === undefined ? null : Math.max(0, Math.round(nowMs - reporter.lastMs)),
    isQuiet: reporter?.isQuiet ?? false,
    aheadMs: member?.aheadMs ?? reporter?.aheadMs ?? null,
    dropped: member?.dropped ?? reporter?.dropped ?? null,
    override: override === undefined ? null : oneLine(override.reason),
  };
}

/** A controller that is silent for too long leads no more. */
function roleOf(member: Member | undefined): MemberNews["role"] {
  if (member === undefined || member.agoMs > PRESENCE_MS_MAX) return null;
  return member.isAble ? "lead" : "unable";
}

function rank({ role }: MemberNews): number {
  return role === "lead" ? 0 : role === "unable" ? 1 : 2;
}

function stepAt(release: Release, seq: number): number | null {
  if (seq >= release.seq) return release.step;
  return loggedTransitions(release).findLast((each) => each.seq <= seq)?.release.step ?? null;
}
