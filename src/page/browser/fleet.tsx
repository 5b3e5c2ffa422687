/** The daemons of the release, as they tell of themselves through the store. */

import type { DaemonNews, MemberNews, ReleaseNews } from "../news.ts";
import { Scroll } from "./scroll.tsx";
import { countText, durationText } from "./words.ts";

interface FleetProps {
  readonly release: ReleaseNews;
  readonly daemon: DaemonNews;
}

export function Fleet({ release: { fleet }, daemon }: FleetProps) {
  if (fleet === null) return null;
  return (
    <section aria-label="Daemons">
      <h2>Daemons</h2>
      {fleet.length === 0 ? (
        <p class="warning">No daemon has told anything of this release yet, so none leads it.</p>
      ) : (
        <Scroll label="Daemons of the release">
          <table>
            <caption class="for-readers">The daemons that told something of this release</caption>
            <thead>
              <tr>
                <th scope="col">daemon</th>
                <th scope="col">part</th>
                <th scope="col">step</th>
                <th scope="col">told it leads</th>
                <th scope="col">outcomes it told</th>
                <th scope="col">the last of them</th>
                <th scope="col">the store's clock is</th>
                <th scope="col">dropped reports</th>
              </tr>
            </thead>
            <tbody>
              {fleet.map((member) => (
                <Row key={member.name} member={member} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {fleet.every(({ isThis }) => !isThis) && <p class="note">{ownText(daemon)}</p>}
    </section>
  );
}

const ROLES = { lead: "leads", unable: "may not write" } as const;

function Row({ member }: { readonly member: MemberNews }) {
  const { name, isThis, role, heardAgoMs, step, isUpToDate, outcomes, outcomeAgoMs, isQuiet, override } =
    member;
  const { aheadMs, dropped } = member;
  return (
    <tr class={isQuiet || role === "unable" || override !== null ? "odd" : ""}>
      <th scope="row">
        {name}
        {isThis && " (this one)"}
      </th>
      <td>
        {role === null ? (heardAgoMs === null ? "reports" : "silent") : ROLES[role]}
        {override !== null && `; it sends all visitors to master: ${override}`}
      </td>
      <td>
        {step ?? "–"}
        {!isUpToDate && " (behind)"}
      </td>
      <td>{agoText(heardAgoMs)}</td>
      <td>{outcomes === null ? "–" : countText(outcomes)}</td>
      <td>
        {agoText(outcomeAgoMs)}
        {isQuiet && ", quiet"}
      </td>
      <td>{aheadMs === null ? notTold(dropped, "not known") : aheadText(aheadMs)}</td>
      <td>{dropped === null ? NOT_TOLD : countText(dropped)}</td>
    </tr>
  );
}

function agoText(ms: number | null): string {
  return ms === null ? "–" : `${durationText(ms)} ago`;
}

const NOT_TOLD = "not told";

/** An older daemon tells neither figure, and each newer one the second. */
function notTold(dropped: number | null, otherwise: string): string {
  return dropped === null ? NOT_TOLD : otherwise;
}

function aheadText(ms: number): string {
  if (Math.abs(ms) < 1) return "as its own";
  const size = Math.abs(ms) < 10_000 ? `${Math.abs(ms)} ms` : durationText(Math.abs(ms));
  return `${size} ${ms < 0 ? "behind" : "ahead"}`;
}

/** This daemon told nothing of the release, and so it is not in the table. */
function ownText({ name, clockAheadMs, dropped }: DaemonNews): string {
  const clock =
    clockAheadMs === null
      ? "the offset of its clock is not known"
      : `the store's clock is ${Math.abs(clockAheadMs)} ms ${clockAheadMs < 0 ? "behind" : "ahead of"} its own`;
  const lines = dropped === 0 ? "it has dropped no report" : `it has dropped ${countText(dropped)} reports`;
  return `Of ${name} alone: ${clock}, and ${lines} since its start.`;
}
