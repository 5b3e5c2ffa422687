/**
 * The page on the admin listener:
 *
 *     GET  /            the page; `?application=NAME` is the address of an application
 *     GET  /page.js     its code, which begins here and goes on in /main.js and /uplot.js
 *     GET  /page.css    its style
 *     GET  /icon.svg    its icon, also as /favicon.ico, which browsers ask for beside /state
 *     GET  /events      its news, as a stream; `?application=NAME` as above
 *     GET  /api/place   the place of one visitor: `?application=NAME`, and `assignment=0.42` or `key=ID`
 *     GET  /api/me      who is logged in, whether anybody can be, and why the page is not shown
 *     POST /api/login   {"name":"ada","token":"…"}
 *     POST /api/logout  {}
 *     POST /api/act     a verb, pinned to what the page showed (`act.ts`)
 */

import { hostname } from "node:os";
import { type AdminPage, type Asked, type PageMaker, type Route, text } from "../admin/pages.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import type { Store } from "../stores/store.ts";
import type { Access } from "./access.ts";
import { readAct } from "./act.ts";
import { act } from "./actions.ts";
import { type BuiltFile, builtPage } from "./built.ts";
import { events } from "./events.ts";
import { fileAnswer } from "./file.ts";
import type { PlaceNews } from "./place.ts";
import type { Viewers } from "./viewers.ts";

/**
 * A browser runs and loads nothing but the files of this page, in no frame, and sends forms nowhere. So
 * markup in a record cannot do harm, even if a fault of the page let it through.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const HEADERS = {
  "Content-Security-Policy": POLICY,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

const SCRIPT = "text/javascript; charset=utf-8";

/** Otherwise nginx keeps the news until it has some kilobytes of them. */
const UNBUFFERED = { "X-Accel-Buffering": "no" };

const NOT_BUILT = "this program was installed without its page; build it with npm run build:page\n";

export interface RoutesOptions {
  readonly viewers: Viewers;
  readonly access: Access;
  readonly store: Store;
  /** For the commands in the words. */
  readonly storeFlags: StoreFlags;
  /** The application of a page without a name in its address. */
  readonly first: string;
  /** Whether the daemon serves this application. The page writes no other one. */
  readonly isServed: (application: string) => boolean;
  /** The place of a visitor, or why it cannot be told (`place.ts`). */
  readonly place: (query: string) => PlaceNews | string;
  /** Called at each login, and before each write. */
  readonly told: (message: string, fields: Readonly<Record<string, string>>) => void;
}

export async function pageRoutes(options: RoutesOptions): Promise<ReadonlyMap<string, Route>> {
  const { viewers, access, first } = options;
  const built = await builtPage();
  const file =
    (contentType: string, built: BuiltFile | undefined): PageMaker =>
    ({ headers }) => {
      if (built === undefined) return text(503, NOT_BUILT);
      const answer = fileAnswer(contentType, built, headers);
      return { ...answer, headers: { ...HEADERS, ...answer.headers } };
    };
  const reads: readonly (readonly [path: string, make: PageMaker])[] = [
    ["/", file("text/html; charset=utf-8", built?.html)],
    ["/page.js", file(SCRIPT, built?.entry)],
    ["/main.js", file(SCRIPT, built?.main)],
    ["/uplot.js", file(SCRIPT, built?.charts)],
    ["/page.css", file("text/css; charset=utf-8", built?.style)],
    ["/icon.svg", file("image/svg+xml", built?.icon)],
    ["/favicon.ico", file("image/svg+xml", built?.icon)],
    [
      "/events",
      (asked) => {
        const refusal = access.foreignRead(asked) ?? access.hidden(asked);
        if (refusal !== undefined) return refusal;
        const application = new URLSearchParams(asked.query).get("application") ?? first;
        const open = (changed: () => void) => viewers.open(application, changed);
        const mayGoOn = () => access.hidden(asked) === undefined;
        return {
          ...page("text/event-stream", events({ closing: asked.closing, mayGoOn, open })),
          headers: { ...HEADERS, ...UNBUFFERED },
          isStream: true,
        };
      },
    ],
    ["/api/place", (asked) => access.hidden(asked) ?? place(options.place(asked.query))],
    ["/api/me", (asked) => me(access, asked)],
  ];
  const writes: readonly (readonly [path: string, make: PageMaker])[] = [
    ["/api/login", (asked) => logIn(options, asked)],
    ["/api/logout", (asked) => access.logOut(asked)],
    ["/api/act", (asked) => doAct(options, asked)],
  ];
  return new Map<string, Route>([
    ...reads.map(([path, make]) => [path, { method: "GET", make }] as const),
    ...writes.map(([path, make]) => {
      const guarded: PageMaker = (asked) => access.foreign(asked) ?? make(asked);
      return [path, { method: "POST", make: guarded }] as const;
    }),
  ]);
}

async function logIn({ access, told }: RoutesOptions, asked: Asked): Promise<AdminPage> {
  const { name, token } = fieldsOf(asked.body);
  if (typeof name !== "string" || typeof token !== "string") return text(400, "send a name and a token\n");
  const reply = await access.logIn(asked, name, token);
  if (reply.status === 204) told("an operator has logged in to the page", { operator: name });
  // Without the name, because a person may have typed the token there. Such lines are as few as the tries.
  else if (reply.status === 403) told("a login to the page was refused, because its token is wrong", {});
  return reply;
}

async function doAct(
  { access, store, storeFlags, isServed, told }: RoutesOptions,
  asked: Asked,
): Promise<AdminPage> {
  const name = access.nameOf(asked);
  if (name === undefined) return text(401, "log in to write\n");
  const wanted = readAct(asked.body);
  if (wanted === undefined) return text(400, "this is not a verb with what it is about\n");
  const { verb } = wanted;
  if ("application" in wanted && !isServed(wanted.application)) {
    return text(404, "this daemon does not serve that application\n");
  }
  const about =
    "application" in wanted ? { application: wanted.application, version: wanted.version } : undefined;
  told("an operator writes by the page", { operator: name, verb, ...about });
  const words = await act(wanted, { store, storeFlags, author: `${name}@${hostname()}` });
  return json(words.exit === "ok" ? 200 : 409, { ...words });
}

function me(access: Access, asked: Asked): AdminPage {
  const hidden = access.hidden(asked)?.body;
  return json(200, {
    ...{ name: access.nameOf(asked) ?? null, canWrite: access.canWrite },
    refusal: typeof hidden === "string" ? hidden.trim() : null,
  });
}

function place(found: PlaceNews | string): AdminPage {
  return typeof found === "string" ? text(400, `${found}\n`) : json(200, { ...found });
}

function fieldsOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const read: unknown = JSON.parse(body);
    return typeof read === "object" && read !== null ? { ...read } : {};
  } catch {
    return {};
  }
}

function json(status: number, body: Readonly<Record<string, unknown>>): AdminPage {
  return { ...page("application/json", JSON.stringify(body)), status };
}

function page(contentType: string, body: AdminPage["body"]): AdminPage {
  return { status: 200, contentType, body, headers: HEADERS };
}
