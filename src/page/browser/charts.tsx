/** The canary beside the control group over time, as far as this page saw it. Each chart has its table. */

import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { MASTER } from "../../circle.ts";
import { Chart, clock, type Line } from "./chart.tsx";
import {
  columnsOf,
  locationsIn,
  minutesOf,
  NO_PAST,
  POINT_MS,
  POINTS_MAX,
  type Point,
  remember,
} from "./past.ts";
import { Scroll } from "./scroll.tsx";
import { onState } from "./stream.ts";
import { durationText, partText, rateText } from "./words.ts";

const past = signal(NO_PAST);

onState((news, atMs) => {
  past.value = remember(past.value, news, performance.timeOrigin + atMs);
});

const JUDGED_LINES: readonly Line[] = [
  { label: "harm", colour: "canary" },
  { label: "not worse", colour: "good" },
  { label: "limit", colour: "bad", dash: [6, 4] },
];

/** Evidence beyond these parts of its limit is drawn at the edge. */
const PART_MIN = -1;
const PART_MAX = 2;

const JUDGED_VALUES = [({ harm }: Point) => within(harm), ({ notWorse }: Point) => within(notWorse), () => 1];

function within(part: number | null): number | null {
  return part === null ? null : Math.min(PART_MAX, Math.max(PART_MIN, part));
}

/** Harm and not-worse against their limits; nothing while the judge has no figures. */
export function JudgedChart() {
  const { points } = past.value;
  const columns = useMemo(() => columnsOf(points, JUDGED_VALUES), [points]);
  if (points.every(({ harm }) => harm === null)) return null;
  return (
    <section aria-label="Harm over time">
      <h3>Harm and not worse over time</h3>
      <p class="note">
        The logarithms of the evidence, as parts of their limits. At 100% of harm the judge takes the canary
        back. At 100% of not worse it lets the step pass. Below 0% the evidence speaks against it.
      </p>
      <Chart
        label="A line chart of harm and not worse against their limit. The table below has the figures."
        lines={JUDGED_LINES}
        columns={columns}
        text={partText}
        range={(low, high) => [Math.min(-0.25, low), Math.max(1.25, high)]}
      />
      <Minutes
        caption="Harm and not worse, as parts of their limits"
        names={["harm", "not worse"]}
        cells={({ harm, notWorse }) => [harm, notWorse].map((part) => (part === null ? "–" : partText(part)))}
        points={points}
      />
    </section>
  );
}

/** Decisions a second, by location. */
export function DecisionsChart() {
  const { points } = past.value;
  const names = locationsIn(points);
  const key = names.join(" ");
  const columns = useMemo(
    () =>
      columnsOf(
        points,
        names.map(
          (name) =>
            ({ perSecond }) =>
              perSecond.get(name) ?? 0,
        ),
      ),
    [points, key],
  );
  if (names.length === 0) return null;
  return (
    <section aria-label="Decisions over time">
      <h2>Decisions a second</h2>
      <Chart
        label="A line chart of the decisions a second by location. The table below has the figures."
        lines={names.map((name) => ({ label: name, colour: colourOf(name) }))}
        columns={columns}
        text={rateText}
        range={(_, high) => [0, Math.max(1, high * 1.1)]}
      />
      <Minutes
        caption="Decisions a second, by location"
        names={names}
        cells={({ perSecond }) => names.map((name) => rateText(perSecond.get(name) ?? 0))}
        points={points}
      />
    </section>
  );
}

function colourOf(location: string): string {
  return location === "canary" || location === MASTER ? location : "other";
}

interface MinutesProps {
  readonly caption: string;
  readonly names: readonly string[];
  readonly cells: (point: Point) => readonly string[];
  readonly points: readonly Point[];
}

/** The same as the chart, a row a minute. */
function Minutes({ caption, names, cells, points }: MinutesProps) {
  const first = points[0];
  return (
    <>
      <p class="note">
        {first === undefined
          ? "This page has not seen anything yet."
          : `This page has seen this itself since ${clock(first.atMs / 1_000)}. It keeps ${durationText(POINTS_MAX * POINT_MS)}.`}
      </p>
      <details>
        <summary>The same as a table</summary>
        <Scroll label={caption}>
          <table>
            <caption class="for-readers">{caption}, the last second of each minute</caption>
            <thead>
              <tr>
                {["time", ...names].map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {minutesOf(points).map((point) => (
                <tr key={Math.floor(point.atMs / 60_000)}>
                  <th scope="row">{clock(point.atMs / 1_000)}</th>
                  {cells(point).map((cell, index) => (
                    <td key={names[index]}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </details>
    </>
  );
}
