/** The judge's figures: the canary beside the control group. */

import type { Judged } from "../../evidence/judged.ts";
import type { ReleaseNews } from "../news.ts";
import { JudgedChart } from "./charts.tsx";
import { Gauge } from "./gauge.tsx";
import { MetricsTable } from "./metrics.tsx";
import { countText, harmLimitText, partText } from "./words.ts";

export function Evidence({ release }: { readonly release: ReleaseNews }) {
  const judged = release.judged ?? release.judgedAtEnd;
  const isHeard = judged !== null && !judged.isSilent && judged.outcomes > 0;
  // After the end, only figures are worth a panel.
  if (release.isOver && !isHeard) return null;
  return (
    <section aria-label="Evidence">
      <div class="panel-head">
        <h2>Evidence</h2>
        {release.judgedAtEnd !== null && (
          <p class="note">At the end of the last step in which two versions had visitors.</p>
        )}
      </div>
      <ul class="signs">
        {judged?.signs.map(({ name, isCleared }) => (
          <li key={name} class={isCleared ? "" : "warning"}>
            sign {name} {signText(isCleared, release.judgedAtEnd !== null)}
          </li>
        ))}
      </ul>
      {isHeard ? <Figures judged={judged} /> : <Unheard release={release} />}
      <JudgedChart />
    </section>
  );
}

function signText(isCleared: boolean, isAtEnd: boolean): string {
  if (isCleared) return "was cleared";
  return isAtEnd ? "was raised" : "is raised: the release is held";
}

/** Nothing is heard: a state of its own, which must not look like health. */
function Unheard({ release: { judged, rollout, isInGrace } }: { readonly release: ReleaseNews }) {
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
      <p>No proxy reports outcomes of this step. This command says why:</p>
      <code>maxwells-daemon doctor</code>
    </>
  );
}

/** From this part of the limit on, the bar of harm has the colour of an abort. */
const HIGH = 0.9;

function Figures({ judged }: { readonly judged: Judged }) {
  const { harm = null, notWorse = null, visitors, needed } = judged;
  // Without a visitor, the estimate says nothing.
  const isKnown = needed !== null && needed > 0 && visitors > 0;
  return (
    <>
      <div class="gauges">
        <Gauge
          label="harm"
          part={harm ?? 0}
          text={partText(Math.max(0, harm ?? 0))}
          limit={harmLimitText(judged)}
          tone={(harm ?? 0) >= HIGH ? "harm high" : "harm"}
        />
        <Gauge
          label="not worse"
          part={notWorse ?? 0}
          text={notWorse === null ? "–" : partText(Math.max(0, notWorse))}
          limit={notWorse === null ? "no figure yet" : "of the judge's ok"}
          tone="ok"
        />
        <Gauge
          label="visitors seen"
          part={isKnown ? visitors / needed : 0}
          text={countText(visitors)}
          limit={visitors === 0 ? "none for two minutes yet" : isKnown ? `of about ${countText(needed)}` : ""}
          tone="seen"
        />
      </div>
      <p class="heard">{judged.heard}</p>
      <MetricsTable metrics={judged.metrics} />
    </>
  );
}
