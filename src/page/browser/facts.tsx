/** The snapshot by which this daemon answers visitors: its age, its lease, and the store. */

import type { ApplicationNews, DaemonNews } from "../news.ts";
import { leaseText } from "./stale.ts";
import { heardAtMs, nowMs } from "./stream.ts";
import { durationText } from "./words.ts";

interface FactsProps {
  readonly news: ApplicationNews;
  readonly daemon: DaemonNews;
}

export function Facts({ news, daemon }: FactsProps) {
  const { ageMs } = news;
  const sinceMs = Math.max(0, nowMs.value - heardAtMs.value);
  return (
    <section aria-label="Snapshot">
      <h2>Snapshot of the store</h2>
      <dl class="facts">
        <dt>store</dt>
        <dd>{daemon.store}</dd>
        <dt>read</dt>
        <dd>{ageMs === null ? "never" : `${durationText(ageMs + sinceMs)} ago`}</dd>
        <dt>lease</dt>
        <dd>{leaseText(news, sinceMs)}</dd>
        <dt>daemon</dt>
        <dd>
          {daemon.name}, version {daemon.version}
        </dd>
      </dl>
    </section>
  );
}
