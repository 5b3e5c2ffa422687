/** The decisions of the last seconds: their shares beside those that the records order, and their reasons. */

import { signal } from "@preact/signals";
import type { ApplicationNews, DecisionCount } from "../news.ts";
import { Scroll } from "./scroll.tsx";
import { onState } from "./stream.ts";
import { rateText, shareText } from "./words.ts";

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

export function Decisions({ news: { ordered } }: { readonly news: ApplicationNews }) {
  const rates = ratesOf(samples.value).filter(({ perSecond }) => perSecond > 0);
  return (
    <section aria-label="Decisions">
      <h2>Decisions of the last seconds</h2>
      {rates.length === 0 ? (
        <p>No visitor asked in the last seconds.</p>
      ) : (
        <>
          <Shares rates={rates} ordered={ordered} />
          <Reasons rates={rates} />
        </>
      )}
    </section>
  );
}

function Shares({
  rates,
  ordered,
}: {
  readonly rates: readonly Rate[];
  readonly ordered: ApplicationNews["ordered"];
}) {
  const sums = new Map(Object.keys(ordered).map((location) => [location, 0]));
  for (const { location, perSecond } of rates) sums.set(location, (sums.get(location) ?? 0) + perSecond);
  const all = rates.reduce((sum, { perSecond }) => sum + perSecond, 0);
  return (
    <Scroll label="Shares">
      <table>
        <caption class="for-readers">Shares of the last seconds, and shares that are ordered</caption>
        <thead>
          <tr>
            <th scope="col">location</th>
            <th scope="col">a second</th>
            <th scope="col">share</th>
            <th scope="col">ordered</th>
          </tr>
        </thead>
        <tbody>
          {Array.from(sums, ([location, perSecond]) => (
            <tr key={location}>
              <th scope="row">{location}</th>
              <td>{rateText(perSecond)}</td>
              <td>{shareText(perSecond / all)}</td>
              <td>{ordered[location] === undefined ? "–" : shareText(ordered[location])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Reasons({ rates }: { readonly rates: readonly Rate[] }) {
  return (
    <Scroll label="Reasons">
      <table>
        <caption class="for-readers">Reasons of the decisions of the last seconds</caption>
        <thead>
          <tr>
            <th scope="col">location</th>
            <th scope="col">reason</th>
            <th scope="col">a second</th>
          </tr>
        </thead>
        <tbody>
          {rates.map(({ location, reason, perSecond }) => (
            <tr key={`${location} ${reason}`}>
              <th scope="row">{location}</th>
              <td>{reason}</td>
              <td>{rateText(perSecond)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
