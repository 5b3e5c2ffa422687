/** The plan as steps, and the conditions of the present one. */

import type { ReleaseNews, StepNews } from "../news.ts";
import { Conditions, Waits } from "./conditions.tsx";
import { heardAtMs, isOld, nowMs } from "./stream.ts";
import { durationText, shareText } from "./words.ts";

export function Plan({ release }: { readonly release: ReleaseNews }) {
  return (
    <section aria-label="The plan">
      <div class="panel-head">
        <h2>Plan</h2>
        {!release.isOver && <Clock release={release} />}
      </div>
      {release.state === "paused" && release.reason !== null && (
        <p class="reason">
          <q>{release.reason}</q>
        </p>
      )}
      {release.steps === null ? (
        <p>{release.plan}</p>
      ) : (
        <ol class="steps">
          {release.steps.map((step, index) => (
            <Step key={`${index} ${step.rollout}`} step={step} number={index + 1} release={release} />
          ))}
        </ol>
      )}
      <Conditions release={release} />
      <Waits release={release} />
    </section>
  );
}

interface StepProps {
  readonly step: StepNews;
  readonly number: number;
  readonly release: ReleaseNews;
}

function Step({ step, number, release: { step: present, state } }: StepProps) {
  const isDone = state === "finished" || number < present;
  const isNow = !isDone && number === present;
  const kind = isDone ? "done" : isNow ? (state === "aborted" ? "failed" : "now") : "next";
  return (
    <li class={kind} aria-current={isNow ? "step" : undefined}>
      <b>{shareText(step.rollout)}</b> <small>{step.wait}</small>
      <span class="for-readers">{WORDS[kind]}</span>
    </li>
  );
}

const WORDS = { done: ", done", now: ", the present step", failed: ", ended here", next: "" } as const;

/** The time in this state goes on between two states, but not if the news are old. */
function Clock({ release: { passedMs, state } }: { readonly release: ReleaseNews }) {
  const passed = passedMs + (isOld.value ? 0 : nowMs.value - heardAtMs.value);
  return (
    <p class="clock">
      {state} for {durationText(passed)}
    </p>
  );
}
