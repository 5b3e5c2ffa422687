/** The judge's figures: the canary beside the control group. */

import type { Judged } from "../../evidence/judged.ts";
import type { ReleaseNews } from "../news.ts";
import { MetricsTable } from "./metrics.tsx";
import { countText, harmLimitText, partText } from "./words.ts";

export function Evidence({ release }: { readonly release: ReleaseNews }) {
  const judged = release.judged ?? release.judgedAtEnd;
  const isHeard = judged !== null && !judged.isSilent && judged.outcomes > 0;
  return (
    <section aria-label="Evidence" class={judged?.isSilent ? "broad silent" : "broad"}>
      <h2>Evidence</h2>
      {release.judgedAtEnd !== null && (
        <p class="note">At the end of the last step in which two versions had visitors.</p>
      )}
      {isHeard ? <Figures judged={judged} /> : <Unheard release={release} />}
      <ul class="signs">
        {judged?.signs.map(({ name, isCleared }) => (
          <li key={name} class={isCleared ? "" : "warning"}>
            sign {name} {signText(isCleared, release.judgedAtEnd !== null)}
          </li>
        ))}
      </ul>
    </section>
  );
}

function signText(isCleared: boolean, isAtEnd: boolean): string {
  if (isCleared) return "was cleared";
  return isAtEnd ? "was raised" : "is raised: the release is held";
}

/** Nothing is heard: a state of its own, which must not look like health. */
function Unheard({ release: { judged, rollout, isOver, isInGrace } }: { readonly release: ReleaseNews }) {
  if (isOver) return <p>The release is over, so the judge looks no more.</p>;
  if (rollout <= 0 || rollout >= 1) {
    return <p>All visitors have one version, so there is nothing to compare.</p>;
  }
  if (judged === null) {
    return <p class="loud">The evidence cannot be read here, so this page cannot say that all is well.</p>;
  }
  if (isInGrace) return <p>The step has just begun. The judge leaves out its first seconds.</p>;
  if (!judged.isSilent) return <p class="loud">Nothing is heard in this step yet.</p>;
  return (
    <>
      <p class="loud">Nothing is heard. Silence is not health.</p>
      <p>No proxy reports outcomes of this step. See why: maxwells-daemon doctor</p>
    </>
  );
}

function Figures({ judged }: { readonly judged: Judged }) {
  const { harm = null, notWorse = null, visitors, needed } = judged;
  // Without a visitor, the estimate says nothing.
  const isKnown = needed !== null && needed > 0 && visitors > 0;
  return (
    <>
      <Bar
        label="harm"
        part={harm ?? 0}
        limit={harmLimitText(judged)}
        text={partText(Math.max(0, harm ?? 0))}
        isBad
      />
      <Bar
        label="not worse"
        part={notWorse ?? 0}
        limit="of the judge's ok"
        text={notWorse === null ? "no figure" : partText(Math.max(0, notWorse))}
      />
      <Bar
        label="visitors seen"
        part={isKnown ? visitors / needed : 0}
        limit={isKnown ? `of about ${countText(needed)}` : ""}
        text={visitors === 0 ? "none for two minutes yet" : countText(visitors)}
      />
      <p>{judged.heard}</p>
      <MetricsTable metrics={judged.metrics} />
    </>
  );
}

interface BarProps {
  readonly label: string;
  readonly part: number;
  readonly limit: string;
  readonly text: string;
  /** Whether a full bar is bad. */
  readonly isBad?: boolean;
}

function Bar({ label, part, limit, text, isBad = false }: BarProps) {
  const value = Math.min(1, Math.max(0, part));
  return (
    <p class="bar">
      <span>{label}</span>
      {isBad ? (
        <meter min={0} max={1} low={0.46} high={0.9} optimum={0} value={value} aria-label={label} />
      ) : (
        <meter min={0} max={1} value={value} aria-label={label} />
      )}
      <span>
        {text} {limit}
      </span>
    </p>
  );
}
