/** Decisions a second, by location, beside the shares that the records order. */

import { signal } from "@preact/signals";
import type { ApplicationNews, DecisionCount } from "../news.ts";
import { onState } from "./stream.ts";
import { countText, shareText } from "./words.ts";

/** Rates are of this many milliseconds. */
const WINDOW_MS = 5_000;

interface Sample {
  readonly atMs: number;
  readonly decisions: readonly DecisionCount[];
}

const samples = signal<readonly Sample[]>([]);

onState(({ decisions }, atMs) => {
  samples.value = [...samples.value.filter((sample) => atMs - sample.atMs <= WINDOW_MS), { atMs, decisions }];
});

interface Rate {
  readonly location: string;
  readonly reason: string;
  readonly perSecond: number;
}

function ratesOf(all: readonly Sample[]): Rate[] {
  const [first, last] = [all[0], all.at(-1)];
  if (first === undefined || last === undefined || first === last) return [];
  const seconds = (last.atMs - first.atMs) / 1_000;
  return last.decisions.map(({ location, reason, count }) => {
    const before = first.decisions.find((each) => each.location === location && each.reason === reason);
    // A count that went down is that of a new daemon.
    return { location, reason, perSecond: Math.max(0, count - (before?.count ?? 0)) / seconds };
  });
}

export function Decisions({ news: { arcs } }: { readonly news: ApplicationNews }) {
  const rates = ratesOf(samples.value).filter(({ perSecond }) => perSecond > 0);
  const all = rates.reduce((sum, { perSecond }) => sum + perSecond, 0);
  return (
    <section aria-label="Decisions">
      <h2>Decisions</h2>
      {rates.length === 0 ? (
        <p>No visitor asked in the last seconds.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">location</th>
              <th scope="col">reason</th>
              <th scope="col">a second</th>
              <th scope="col">share</th>
              <th scope="col">ordered</th>
            </tr>
          </thead>
          <tbody>
            {rates.map(({ location, reason, perSecond }) => (
              <tr key={`${location} ${reason}`}>
                <th scope="row">{location}</th>
                <td>{reason}</td>
                <td>{countText(perSecond)}</td>
                <td>{shareText(perSecond / all)}</td>
                <td>{orderedText(arcs, location)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function orderedText(arcs: ApplicationNews["arcs"], location: string): string {
  const arc = arcs.find(({ version }) => version === location);
  return arc === undefined ? "" : shareText(arc.rollout);
}
