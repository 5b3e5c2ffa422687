/**
 * A stand-in for the stream of a daemon, which sends in seconds the states of an hour. All files of the page
 * are those of a real daemon, and so is the first state. The others are copies of it with other figures,
 * times and texts. The browser reads them with its own `EventSource`, as ever.
 */

import type { ApplicationNews, PageNews } from "../../../src/page/news.ts";

/** Each state is so much later than the one before it, by the clocks of the daemon and of the page. */
export const PACE_MS = 1_000;

export interface Flood {
  readonly url: string;
  /** Sends this number of states more. */
  send(count: number): void;
  stop(): Promise<void>;
}

/** @param daemonUrl the address of an application's page */
export async function startFlood(daemonUrl: string): Promise<Flood> {
  const first = await firstState(daemonUrl);
  let sent = 0;
  let allowed = 0;
  let wake = () => {};
  async function* states() {
    for (;;) {
      while (sent < allowed) yield `data: ${JSON.stringify(changed(first, sent++))}\n\n`;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  const server = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0, idleTimeout: 0 },
    fetch: async ({ url }) => {
      const { pathname } = new URL(url);
      return pathname === "/events"
        ? new Response(states(), { headers: { "Content-Type": "text/event-stream" } })
        : plain(await fetch(new URL(pathname, daemonUrl)));
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/`,
    send: (count) => {
      allowed += count;
      wake();
    },
    stop: () => server.stop(true),
  };
}

/** The answer as `fetch` has unpacked it. */
function plain(reply: Response): Response {
  const headers = new Headers(reply.headers);
  for (const name of ["content-encoding", "content-length"]) headers.delete(name);
  return new Response(reply.body, { status: reply.status, headers });
}

/** The first state that the daemon sends to this page. */
async function firstState(daemonUrl: string): Promise<PageNews> {
  const url = new URL(daemonUrl);
  const reply = await fetch(new URL(`/events${url.search}`, url));
  let text = "";
  for await (const bytes of reply.body ?? []) {
    text += Buffer.from(bytes).toString("utf8");
    const [, state] = /data: (.*)\n\n/.exec(text) ?? [];
    if (state !== undefined) return JSON.parse(state) as PageNews;
  }
  throw new Error("the daemon sends no state");
}

/** The n-th state. */
function changed(first: PageNews, n: number): Omit<PageNews, "atMs"> {
  const { application } = first;
  // A busy browser reads these states seconds after they were made, and a page would ask again. Without the
  // time, as from an older daemon, it takes each.
  const { atMs: _, ...now } = first;
  return application === null ? now : { ...now, application: changedApplication(application, n) };
}

function changedApplication(application: ApplicationNews, n: number): ApplicationNews {
  return {
    ...application,
    arcs: application.arcs.map((arc) => ({ ...arc, rollout: 0.05 + (n % 90) / 100 })),
    decisions: ["canary", "master"].map((location) => ({ location, reason: "covered", count: 7 * n })),
    releases: application.releases.map((release) => ({
      ...release,
      headline: `${release.headline} ${n}`,
      passedMs: 1_000 * n,
      warnings: n % 2 === 0 ? [] : [`warning ${n}`],
      waits: [{ text: `wait ${n}`, command: `command ${n}` }],
    })),
    history: application.history.map((change, at) => ({
      ...change,
      updatedAt: new Date(1_000 * (n - at)).toISOString(),
      why: `reason ${n - at}`,
    })),
  };
}
