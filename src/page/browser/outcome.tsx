/** The end of a release: what happened, why, its figures, and what to do next. */

import type { ApplicationNews, ReleaseNews } from "../news.ts";
import { endedOf } from "./outcome-words.ts";

interface OutcomeProps {
  readonly news: ApplicationNews;
  readonly release: ReleaseNews;
}

export function Outcome({ news, release }: OutcomeProps) {
  const { title, now, facts, next } = endedOf(news, release);
  return (
    <section aria-label="How it ended" class={`outcome ${release.state}`}>
      <h2>{title}</h2>
      <p class="now-text">{now}</p>
      <dl class="facts">
        {facts.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <p>{next}</p>
      <code>{news.start}</code>
    </section>
  );
}
