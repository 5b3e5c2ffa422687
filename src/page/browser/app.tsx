/** The whole page: one application, and the list of all of them. */

import { useMemo } from "preact/hooks";
import type { ApplicationNews, DaemonNews, PageNews } from "../news.ts";
import { Actions, Answer, WayBack } from "./actions.tsx";
import { DecisionsChart, JudgedChart } from "./charts.tsx";
import { Circle } from "./circle.tsx";
import { Decisions } from "./decisions.tsx";
import { Evidence } from "./evidence.tsx";
import { Facts } from "./facts.tsx";
import { Fleet } from "./fleet.tsx";
import { History } from "./history.tsx";
import { List } from "./list.tsx";
import { LogIn } from "./login.tsx";
import { Plan } from "./plan.tsx";
import { canWrite, operator, refusal } from "./session.ts";
import { ageMs, asked, isOld, isRefused, news } from "./stream.ts";
import { durationText } from "./words.ts";

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

/** Before the first state, and while the daemon does not answer at all. */
function Waiting() {
  if (isRefused.value) return <Refused />;
  return (
    <main>
      <p role="status">
        {ageMs.value < 2_000
          ? "Asking the daemon …"
          : "The daemon does not answer. Visitors of a proxy without its daemon get master."}
      </p>
    </main>
  );
}

/** The daemon answers, and does not show its page here, or has too many open pages. */
function Refused() {
  return (
    <main>
      <h1>maxwells-daemon</h1>
      <p role="status">
        {refusal.value === null
          ? "This daemon has too many open pages."
          : `The page is closed: ${refusal.value}`}
      </p>
      {canWrite.value && operator.value === null && <LogIn aim="to see the page" />}
      <Answer />
    </main>
  );
}

function Unknown() {
  return <p role="status">This daemon does not serve the application “{asked.value}”.</p>;
}

function Header({ state: { daemon, application } }: { readonly state: PageNews }) {
  return (
    <header>
      <a class="name" href="/">
        maxwells-daemon
      </a>
      <span>
        {daemon.name}, {daemon.store}
      </span>
      <Age application={application} />
      {daemon.notReady !== null && <p class="warning">Not ready: {daemon.notReady}</p>}
    </header>
  );
}

/** An old state is never shown like a new one. A screen reader hears of it once, and not each second. */
function Age({ application }: Pick<PageNews, "application">) {
  if (isOld.value) {
    return (
      <strong class="age">
        <span role="alert">The daemon is silent.</span> All of this is {durationText(ageMs.value)} old.
      </strong>
    );
  }
  const isAway = application !== null && (application.error !== null || !application.isFresh);
  if (!isAway) return <span class="age">now</span>;
  const since = application.ageMs === null ? "not yet" : `${durationText(application.ageMs)} ago`;
  return <strong class="age">The store was read {since}.</strong>;
}

interface ApplicationProps {
  readonly news: ApplicationNews;
  readonly daemon: DaemonNews;
}

function Application({ news, daemon }: ApplicationProps) {
  const release = news.releases[0];
  const isJudged = release !== undefined && (!release.isOver || release.judgedAtEnd !== null);
  return (
    <>
      <h1>{news.name}</h1>
      <p class="headline">{headlineOf(news)}</p>
      <Spoken news={news} />
      <Actions news={news} />
      <Warnings news={news} />
      <div class="panels">
        <Circle news={news} />
        {release !== undefined && <Plan release={release} />}
        <Decisions news={news} />
        {isJudged && <Evidence release={release} />}
        <Facts news={news} daemon={daemon} />
        {isJudged && <JudgedChart release={release} />}
        <DecisionsChart />
        {release !== undefined && <Fleet release={release} daemon={daemon} />}
        <History changes={news.history} />
      </div>
    </>
  );
}

function headlineOf({ isRead, releases }: ApplicationNews): string {
  return releases[0]?.headline ?? (isRead ? "no release" : "the records are not read yet");
}

/**
 * The headline for a screen reader, which reads each change aloud. So it stays as it is while only the numbers
 * of its wait change, such as the seconds that are left.
 */
function Spoken({ news }: { readonly news: ApplicationNews }) {
  const release = news.releases[0];
  const wait = release?.waits[0]?.text.replaceAll(/\d+[dhms]?/g, "");
  const text = useMemo(
    () => headlineOf(news),
    [news.isRead, release?.key, release?.state, release?.step, release?.rollout, wait],
  );
  return (
    <p class="for-readers" role="status" aria-live="polite">
      {text}
    </p>
  );
}

function Warnings({ news }: { readonly news: ApplicationNews }) {
  const all = [
    ...(news.isFresh ? [] : ["The snapshot of the store is too old, so all visitors get master."]),
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
