/** The whole page: one application, and the list of all of them. */

import type { ApplicationNews, DaemonNews } from "../news.ts";
import { Actions, WayBack } from "./actions.tsx";
import { DecisionsChart } from "./charts.tsx";
import { Circle } from "./circle.tsx";
import { Decisions } from "./decisions.tsx";
import { Evidence } from "./evidence.tsx";
import { Facts } from "./facts.tsx";
import { Fleet } from "./fleet.tsx";
import { Header } from "./header.tsx";
import { Headline } from "./headline.tsx";
import { History } from "./history.tsx";
import { List } from "./list.tsx";
import { NoRelease } from "./no-release.tsx";
import { Outcome } from "./outcome.tsx";
import { Plan } from "./plan.tsx";
import { refusal } from "./session.ts";
import { staleWarning } from "./stale.ts";
import { isOld, isRefused, news } from "./stream.ts";
import { Refused, Unknown, Waiting } from "./without-news.tsx";

export function App() {
  const state = news.value;
  if (isRefused.value && refusal.value !== null) return <Refused />;
  if (state === undefined) return <Waiting />;
  return (
    <div class={isOld.value ? "page old" : "page"}>
      {state.application !== null && <WayBack news={state.application} />}
      <Header state={state} />
      <main>
        {state.application === null ? (
          <Unknown />
        ) : (
          <Application news={state.application} daemon={state.daemon} />
        )}
        <List list={state.list} shown={state.application?.name} />
      </main>
    </div>
  );
}

interface ApplicationProps {
  readonly news: ApplicationNews;
  readonly daemon: DaemonNews;
}

function Application({ news, daemon }: ApplicationProps) {
  const release = news.releases[0];
  const facts = <Facts news={news} daemon={daemon} />;
  // Without two versions to compare, the left column is the shorter one.
  const isLeft = release === undefined || release.state === "promoted";
  return (
    <>
      <Headline news={news} />
      <Actions news={news} />
      <Warnings news={news} />
      <div class="columns">
        <div class="column">
          {release === undefined ? (
            news.isRead && <NoRelease news={news} />
          ) : (
            <>
              {release.isOver && <Outcome news={news} release={release} />}
              <Plan release={release} />
              <Evidence release={release} />
            </>
          )}
          {isLeft && facts}
        </div>
        <div class="column">
          <Circle news={news} />
          <Decisions news={news} />
          {!isLeft && facts}
        </div>
      </div>
      <div class="column below">
        <DecisionsChart />
        {release !== undefined && <Fleet release={release} daemon={daemon} />}
        <History changes={news.history} freezes={news.freezes} />
      </div>
    </>
  );
}

function Warnings({ news }: { readonly news: ApplicationNews }) {
  const stale = staleWarning(news);
  const all = [
    ...(stale === undefined ? [] : [stale]),
    ...(news.error === null
      ? []
      : [`The store cannot be read, so the release and the history below may be old: ${news.error}`]),
    ...news.releases.flatMap(({ warnings }) => warnings),
  ];
  return (
    <>
      {all.map((warning) => (
        <p class="warning" key={warning}>
          {warning}
        </p>
      ))}
    </>
  );
}
