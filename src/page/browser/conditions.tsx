/** All that must be true in the present step, each with how far it is. */

import type { ConditionNews, ReleaseNews, WaitNews } from "../news.ts";
import { heardAtMs, isOld, nowMs } from "./stream.ts";
import { countText, durationText } from "./words.ts";

const MARKS = { met: "✔", waiting: "○", inconclusive: "✘", unknown: "?" } as const;
const STATES = {
  met: "done",
  waiting: "waits",
  inconclusive: "not sure in time",
  unknown: "not known",
} as const;

export function Conditions({ release }: { readonly release: ReleaseNews }) {
  if (release.conditions.length === 0) return null;
  const isTimed = release.state === "running" || release.state === "promoted";
  return (
    <ul class="conditions" aria-label="What this step waits for">
      {release.conditions.map((condition) => (
        <li key={condition.label} class={condition.state}>
          <div class="condition-head">
            <span class="mark-of" aria-hidden="true">
              {MARKS[condition.state]}
            </span>{" "}
            <b class="condition-name">{condition.label}</b>{" "}
            <span class="state">{STATES[condition.state]}</span>
          </div>
          <Way condition={condition} isTimed={isTimed} />
          {condition.kind !== "time" && condition.texts.map((wait) => <Wait key={wait.text} wait={wait} />)}
        </li>
      ))}
    </ul>
  );
}

/** Texts that belong to no condition: a controller is missing, or a person may finish. */
export function Waits({ release: { waits, conditions } }: { readonly release: ReleaseNews }) {
  const said = new Set(conditions.flatMap(({ texts }) => texts.map(({ text }) => text)));
  const others = waits.filter(({ text }) => !said.has(text));
  if (others.length === 0) return null;
  return (
    <ul class="waits">
      {others.map((wait) => (
        <li key={wait.text}>
          <Wait wait={wait} />
        </li>
      ))}
    </ul>
  );
}

function Wait({ wait: { text, command } }: { readonly wait: WaitNews }) {
  return (
    <span class="wait">
      {text} {command !== null && <code>{command}</code>}
    </span>
  );
}

/** The time goes on between two states of the page. */
function Way({ condition, isTimed }: { readonly condition: ConditionNews; readonly isTimed: boolean }) {
  const { way, state, label } = condition;
  if (way === null || state === "met") return null;
  const isRunning = way.unit === "ms" && isTimed && !isOld.value;
  const done = Math.min(way.of, way.done + (isRunning ? nowMs.value - heardAtMs.value : 0));
  const text =
    way.unit === "ms"
      ? `${durationText(done)} of ${durationText(way.of)}`
      : `${countText(done)} of about ${countText(way.of)} visitors`;
  return (
    <>
      <progress
        max={way.of}
        value={way.unit === "ms" ? wholeSeconds(done) : done}
        aria-label={`${label}: ${text}`}
      />
      <small>{text}</small>
    </>
  );
}

/** The bar goes on with its text, once a second, because each change of it is drawn. */
function wholeSeconds(ms: number): number {
  return Math.round(ms / 1_000) * 1_000;
}
