/**
 * A webhook, as Flagger calls it (https://docs.flagger.app/usage/webhooks): POST with a JSON payload, and the
 * status of the answer counts. A gate or a load tester of Flagger works without a change.
 *
 * Flagger knows a canary by its name and namespace, and this program knows it by application and version. So
 * the application is the name, and the version is the namespace. All values of the metadata are strings,
 * because Flagger's programs refuse any other.
 *
 * Flagger's hooks differ in the time at which it calls them. Here the plan says that, so all types but one
 * mean the same: a status of 2xx lets the step end. `rollback` is the other way round: 2xx takes the release
 * back. Flagger takes any other answer for "no rollback", also silence. Here silence is unknown, and only 403
 * says no, which is what Flagger's own gate answers.
 */

import { Problem } from "../config/option.ts";
import { TEXT } from "../text/json-schema.ts";
import {
  type Answer,
  type Check,
  type CheckKind,
  type CheckTools,
  type Subject,
  unknown,
} from "./check-kind.ts";
import { drop, Unanswered } from "./request.ts";
import type { TableKeys } from "./table-keys.ts";
import { readStart, readWebServer, TEXTS, URL_KEY, WEB_KEYS, type WebServer } from "./web-server.ts";

/** Flagger's types of hooks that decide something. */
const TYPES = [
  ...(["confirm-rollout", "pre-rollout", "rollout", "confirm-traffic-increase"] as const),
  ...(["confirm-promotion", "rollback"] as const),
];
type HookType = (typeof TYPES)[number];

/** Flagger calls this just before it raises the share of a canary, as a plan does between two steps. */
const DEFAULT_TYPE: HookType = "confirm-traffic-increase";

/** Flagger's word for a canary that it raises step by step. */
const DEFAULT_PHASE = "Progressing";

const FORBIDDEN = 403;

interface Settings {
  readonly server: WebServer;
  readonly type: HookType;
  readonly phase: string;
  /** Undefined for the version. */
  readonly namespace: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

export const webhook: CheckKind = {
  name: "webhook",
  summary: "asks a web server by POST, as Flagger does; a status of 2xx lets the step end",
  keys: [
    {
      name: "url",
      form: "an address",
      absent: "none; the key is required",
      meaning: "the address that gets the POST",
      schema: URL_KEY,
      isRequired: true,
    },
    {
      name: "type",
      form: "a type of Flagger's hooks",
      absent: `\`${DEFAULT_TYPE}\``,
      meaning: "`rollback`: 2xx takes the release back; all others: 2xx lets the step end",
      schema: { enum: TYPES },
    },
    {
      name: "phase",
      form: "a string",
      absent: `\`${DEFAULT_PHASE}\``,
      meaning: "`phase` of the payload",
      schema: TEXT,
    },
    {
      name: "namespace",
      form: "a string",
      absent: "the version",
      meaning: "`namespace` of the payload",
      schema: TEXT,
    },
    {
      name: "metadata",
      form: "a table of strings",
      absent: "none",
      meaning: "`metadata` of the payload, beside the daemon's own",
      schema: TEXTS,
    },
    ...WEB_KEYS,
  ],
  read(keys: TableKeys) {
    const server = readWebServer(keys, "http://flagger-loadtester.test/gate/check");
    const any = (text: string) => text;
    const type = keys.text("type", parseType) ?? DEFAULT_TYPE;
    const phase = keys.text("phase", any) ?? DEFAULT_PHASE;
    const namespace = keys.text("namespace", any);
    const metadata = keys.texts("metadata");
    if (server === undefined) return undefined;
    const settings: Settings = { server, type, phase, namespace, metadata };
    return { target: server.target, harmAfter: 1, create: (tools) => new Webhook(settings, tools) };
  },
};

function parseType(text: string): HookType | Problem {
  const type = TYPES.find((each) => each === text);
  if (type !== undefined) return type;
  const isNotice = text === "event" || text === "post-rollout";
  return new Problem(`${isNotice ? "this hook decides nothing; " : ""}write one of ${TYPES.join(", ")}`);
}

class Webhook implements Check {
  readonly #settings: Settings;
  readonly #tools: CheckTools;

  constructor(settings: Settings, tools: CheckTools) {
    this.#settings = settings;
    this.#tools = tools;
  }

  async evaluate(subject: Subject, signal: AbortSignal): Promise<Answer> {
    const { server, type } = this.#settings;
    const body = JSON.stringify(payloadOf(subject, this.#settings));
    const headers = { "content-type": "application/json" };
    const reply = await server.ask({ url: server.url, headers, body }, this.#tools, signal);
    if (reply instanceof Unanswered) return unknown(reply.why);
    const { status, response } = reply;
    const isGood = status >= 200 && status <= 299;
    // The body of a good answer means nothing, so it is not read.
    const text = isGood ? "" : (await readStart(response)).trim();
    if (isGood) drop(response);
    const quoted = text === "" ? "" : `, ${reply.shown(text)}`;
    const said = `${server.target} answers with status ${status}${quoted}`;
    if (type !== "rollback") return { kind: isGood ? "passed" : "waiting", why: said };
    if (isGood)
      return { kind: "harm", why: `${server.target} asks to take the release back (status ${status})` };
    if (status === FORBIDDEN) return { kind: "passed", why: said };
    return unknown(`${said}; a rollback hook answers 403 to let the release go on`);
  }
}

/** Own metadata of the operator counts before that of the daemon. */
function payloadOf(subject: Subject, { phase, namespace, metadata }: Settings) {
  const { application, version, key, id, of, step, steps, rollout } = subject;
  return {
    name: application,
    namespace: namespace ?? version,
    phase,
    // Flagger's receivers tell one release of an application from the next by it.
    checksum: key,
    metadata: {
      ...{ application, version, release: String(id), key, of },
      ...{ step: String(step), steps: String(steps), rollout: String(rollout) },
      ...metadata,
    },
  };
}
