/**
 * A chart of lines over time, drawn by uPlot. uPlot sets styles one by one on its elements, which the page's
 * policy allows; it writes no style into markup, which the policy forbids.
 */

import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type uPlot from "uplot";
import type { Columns } from "./past.ts";
import { isPlotterMissing, loadPlotter, plotter } from "./plotter.ts";
import { colour, isStill, theme } from "./theme.ts";
import { clockText } from "./words.ts";

const HEIGHT_PX = 180;

const FONT = "12px ui-sans-serif, system-ui, sans-serif";

/** A young page shows at least this time, in seconds. */
const SPAN_S_MIN = 60;

/** A chart that must not move is drawn again after this time. */
const STILL_MS = 10_000;

export interface Line {
  readonly label: string;
  /** The name of a colour of the style. */
  readonly colour: string;
  readonly dash?: number[];
}

export interface ChartProps {
  /** What it shows, for people who do not see it. */
  readonly label: string;
  readonly lines: readonly Line[];
  readonly columns: Columns;
  readonly text: (value: number) => string;
  /** The shown range of values, from that of the data. */
  readonly range: (low: number, high: number) => [number, number];
}

export function Chart({ label, lines, columns, text, range }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<uPlot | undefined>(undefined);
  const drawnAtMs = useRef(0);
  const pointed = useMemo(() => signal<number | undefined>(undefined), []);
  const names = lines.map(({ label: name }) => name).join("\n");
  // uPlot takes a lonely point for a day.
  const isLine = columns.times.length > 1;
  const dataOf = (): uPlot.AlignedData =>
    isLine ? [columns.times, ...columns.rows] : [[], ...columns.rows.map(() => [])];
  const { value: Plotter } = plotter;

  useEffect(() => {
    void loadPlotter();
  }, []);

  useEffect(() => {
    const { current: element } = place;
    if (element === null || Plotter === undefined) return;
    const plot = new Plotter(
      {
        ...optionsOf(lines, text, range),
        width: element.clientWidth,
        height: HEIGHT_PX,
        hooks: {
          setCursor: [
            ({ cursor }) => {
              pointed.value = cursor.idx ?? undefined;
            },
          ],
        },
      },
      dataOf(),
      element,
    );
    drawn.current = plot;
    const watcher = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      plot.destroy();
      drawn.current = undefined;
    };
  }, [theme.value, names, Plotter]);

  useEffect(() => {
    const nowMs = performance.now();
    if (isStill() && nowMs - drawnAtMs.current < STILL_MS) return;
    drawnAtMs.current = nowMs;
    drawn.current?.setData(dataOf());
  }, [columns]);

  return (
    <div class="chart">
      <div ref={place} role="img" aria-label={label} class="drawing" />
      {isPlotterMissing.value && <p class="note">The daemon did not send the code that draws this chart.</p>}
      <p class="readout" aria-hidden="true">
        <Readout lines={lines} columns={columns} text={text} at={pointed.value} />
      </p>
    </div>
  );
}

interface ReadoutProps extends Pick<ChartProps, "lines" | "columns" | "text"> {
  /** The row under the pointer; undefined for the last one. */
  readonly at: number | undefined;
}

/** The values under the pointer, or the last ones. It is the key of the colours too. */
function Readout({ lines, columns: { times, rows }, text, at }: ReadoutProps) {
  const row = at !== undefined && at < times.length ? at : times.length - 1;
  const time = times[row];
  return (
    <>
      {time !== undefined && <time>{clock(time)}</time>}
      {lines.map(({ label, colour: name }, index) => {
        const value = rows[index]?.[row] ?? null;
        return (
          <span key={label} class={`key key-${name}`}>
            {label} {value === null ? "–" : text(value)}
          </span>
        );
      })}
    </>
  );
}

function optionsOf(
  lines: readonly Line[],
  text: ChartProps["text"],
  range: ChartProps["range"],
): Omit<uPlot.Options, "width" | "height"> {
  const axis = {
    font: FONT,
    stroke: colour("soft"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { stroke: colour("line"), width: 1 },
  };
  return {
    legend: { show: false },
    // The last time stands half behind the end of the line.
    padding: [null, 28, null, null],
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { range: (_, low, high) => timesOf(low, high) },
      y: { range: (_, low, high) => range(low ?? 0, high ?? 0) },
    },
    axes: [
      { ...axis, space: 70, values: (_, times) => times.map(clock) },
      { ...axis, size: 56, values: (_, values) => values.map(text) },
    ],
    series: [
      {},
      ...lines.map(({ label, colour: name, dash }) => ({
        ...{ label, stroke: colour(name), width: 2, points: { show: false } },
        ...(dash === undefined ? {} : { dash }),
      })),
    ],
  };
}

/** The shown times; without a line, the last minute. */
function timesOf(low: number | null, high: number | null): [number, number] {
  const end = high ?? Date.now() / 1_000;
  return [Math.min(low ?? end, end - SPAN_S_MIN), end];
}

/** @param seconds since 1970 */
export function clock(seconds: number): string {
  return clockText(seconds * 1_000);
}
