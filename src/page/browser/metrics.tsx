/** Visitors who met something bad, by version, and how many times as likely that is at the canary. */

import type { JudgedMetric } from "../../evidence/judged.ts";
import type { JudgedRatio } from "../../evidence/judged-parts.ts";
import { Scroll } from "./scroll.tsx";
import { countText, shareText } from "./words.ts";

export function MetricsTable({ metrics }: { readonly metrics: readonly JudgedMetric[] }) {
  return (
    <Scroll label="Metrics">
      <table class="metrics">
        <caption class="for-readers">
          Visitors who met something bad, and the odds ratio of the canary
        </caption>
        <thead>
          <tr>
            <th scope="col">metric</th>
            <th scope="col">canary</th>
            <th scope="col">master</th>
            <th scope="col">by chance</th>
            <th scope="col">odds ratio, 95%</th>
          </tr>
        </thead>
        <tbody>
          {metrics.map((metric) => (
            <Metric key={metric.name} metric={metric} />
          ))}
        </tbody>
      </table>
      <p class="note">
        An odds ratio of 2 means: twice as likely at the canary. The line is its interval, from a sixteenth to
        sixteen times, and the mark in the middle is 1.
      </p>
    </Scroll>
  );
}

function Metric({ metric }: { readonly metric: JudgedMetric }) {
  const { name, canary, master, expectedShare, ratio, sentence } = metric;
  return (
    <tr title={sentence}>
      <th scope="row">{name}</th>
      <td>{countText(canary)}</td>
      <td>{countText(master)}</td>
      <td>{expectedShare === null ? "–" : shareText(expectedShare)}</td>
      <td>
        {ratio === undefined || canary + master === 0 ? (
          "no visitor yet"
        ) : (
          <>
            {ratioText(ratio, canary)} <Interval ratio={ratio} /> <small>{ratio.text}</small>
          </>
        )}
      </td>
    </tr>
  );
}

/** `2.4`; `∞` if all visitors with trouble were the canary's. */
function ratioText({ estimate }: JudgedRatio, canary: number): string {
  if (estimate === null) return canary > 0 ? "∞" : "–";
  return String(Number(estimate.toPrecision(2)));
}

/** The picture is from a sixteenth to sixteen times as likely, in logarithms. */
const EXPONENT = 4;
const WIDTH = 96;
const HEIGHT = 12;

function Interval({ ratio: { low, estimate, high } }: { readonly ratio: JudgedRatio }) {
  const at = (value: number) =>
    ((Math.max(-EXPONENT, Math.min(EXPONENT, Math.log2(value))) + EXPONENT) / (2 * EXPONENT)) * WIDTH;
  const isAbove = low > 1;
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      class={isAbove ? "interval above" : "interval"}
      aria-hidden="true"
    >
      <line x1={WIDTH / 2} x2={WIDTH / 2} y1="0" y2={HEIGHT} class="even" />
      <line
        x1={at(low)}
        x2={high === null ? WIDTH : at(high)}
        y1={HEIGHT / 2}
        y2={HEIGHT / 2}
        class="range"
      />
      {estimate !== null && <circle cx={at(estimate)} cy={HEIGHT / 2} r="3" />}
    </svg>
  );
}
