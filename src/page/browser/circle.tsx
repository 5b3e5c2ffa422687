/** The circle of assignments: an arc for each version, master on all the rest, and a visitor who is asked for. */

import { MASTER } from "../../circle.ts";
import type { ApplicationNews } from "../news.ts";
import { PlaceForm, placed } from "./place.tsx";
import { arcsNow } from "./stale.ts";
import { shareText } from "./words.ts";

const RADIUS = 80;
const CENTER = 100;

/** The part of a circle that begins at `offset`, clockwise from the top. */
function arcPath(offset: number, rollout: number): string {
  const end = offset + Math.min(rollout, 0.9999);
  const [x, y] = pointAt(offset);
  const [endX, endY] = pointAt(end);
  return `M ${x} ${y} A ${RADIUS} ${RADIUS} 0 ${end - offset > 0.5 ? 1 : 0} 1 ${endX} ${endY}`;
}

function pointAt(assignment: number): readonly [x: string, y: string] {
  const angle = 2 * Math.PI * (assignment - 0.25);
  return [(CENTER + RADIUS * Math.cos(angle)).toFixed(3), (CENTER + RADIUS * Math.sin(angle)).toFixed(3)];
}

export function Circle({ news }: { readonly news: ApplicationNews }) {
  const masterShare = news.ordered[MASTER] ?? 1;
  const drawn = arcsNow(news);
  return (
    <section aria-label="The circle of visitors">
      <h2>Visitors</h2>
      <svg viewBox="0 0 200 200" class="circle" aria-hidden="true">
        <circle cx={CENTER} cy={CENTER} r={RADIUS} class="arc master" />
        {drawn.toReversed().map(({ version, offset, rollout }) => (
          <path
            key={version}
            d={arcPath(offset, rollout)}
            class={`arc ${version === "canary" ? "canary" : "other"}`}
          />
        ))}
        <Mark />
        <text x={CENTER} y={CENTER + 4} class={drawn[0] === undefined ? "share word" : "share"}>
          {drawn[0] === undefined ? MASTER : shareText(drawn[0].rollout)}
        </text>
        <text x={CENTER} y={CENTER + 25} class="share-of">
          {drawn[0]?.version ?? "all visitors"}
        </text>
      </svg>
      <ul class="legend">
        {drawn.map(({ version, offset, rollout, failsafe }) => (
          <li key={version} class={version === "canary" ? "canary" : "other"}>
            {version}: {shareText(rollout)} of the circle, from {offset}
            {failsafe === "hold" && ", kept if the store is lost"}
          </li>
        ))}
        <li class="master">
          master: {shareText(masterShare)}
          {masterShare > 0 && masterShare < 1 && ", the control group"}
        </li>
      </ul>
      <PlaceForm news={news} />
    </section>
  );
}

/** The visitor who was asked for. */
function Mark() {
  const { value } = placed;
  if (value === undefined || value.kind !== "found") return null;
  const [x, y] = pointAt(value.place.assignment);
  return <circle cx={x} cy={y} r="9" class="mark" />;
}
