/** The judge's figures: the canary beside the control group. */

import type { Judged, JudgedMetric } from "../../evidence/judged.ts";
import type { ReleaseNews } from "../news.ts";
import { countText, shareText } from "./words.ts";

export function Evidence({ release: { judged } }: { readonly release: ReleaseNews }) {
  if (judged === null) return null;
  return (
    <section aria-label="Evidence" class={judged.isSilent ? "silent" : ""}>
      <h2>Evidence</h2>
      {judged.isSilent ? (
        <p class="loud">Nothing is heard. Silence is not health.</p>
      ) : (
        <>
          <Bar label="harm" value={judged.bar} limit="abort" />
          <Bar label="visitors seen" value={seenShare(judged)} limit="enough for ok" />
          <p>{judged.heard}</p>
          <Metrics metrics={judged.metrics} />
        </>
      )}
      <ul class="signs">
        {judged.signs.map(({ name, isCleared }) => (
          <li key={name} class={isCleared ? "" : "warning"}>
            sign {name} {isCleared ? "was cleared" : "is raised: the release is held"}
          </li>
        ))}
      </ul>
    </section>
  );
}

function seenShare({ visitors, needed }: Judged): number {
  return needed === null || needed <= 0 ? 0 : Math.min(1, visitors / needed);
}

function Bar({
  label,
  value,
  limit,
}: {
  readonly label: string;
  readonly value: number;
  readonly limit: string;
}) {
  return (
    <p class="bar">
      <span>{label}</span>
      <meter min={0} max={1} high={0.7} optimum={0} value={value} aria-label={label} />
      <span>
        {shareText(value)} of {limit}
      </span>
    </p>
  );
}

function Metrics({ metrics }: { readonly metrics: readonly JudgedMetric[] }) {
  return (
    <table>
      <caption class="for-readers">Visitors who met something bad</caption>
      <thead>
        <tr>
          <th scope="col">metric</th>
          <th scope="col">canary</th>
          <th scope="col">master</th>
          <th scope="col">by chance</th>
        </tr>
      </thead>
      <tbody>
        {metrics.map(({ name, canary, master, expectedShare, sentence }) => (
          <tr key={name} title={sentence}>
            <th scope="row">{name}</th>
            <td>{countText(canary)}</td>
            <td>{countText(master)}</td>
            <td>{expectedShare === null ? "–" : shareText(expectedShare)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
