/**
 * A query of Prometheus, or of a server with the same API, with a condition to go on and one for harm.
 *
 * Harm is a verdict after two evaluations in a row, unless the file says otherwise. Argo Rollouts takes one
 * bad measurement by default (`failureLimit: 0`), and its own examples raise that to three. Flagger takes one
 * too, and its examples five to ten. Both count failures over the whole analysis, so a few
 * bad samples within a day end a release. Two in a row outlast one bad scrape, and cost one more interval.
 *
 * An error is not a failure. Argo Rollouts ends a release after five errors in a row
 * (`consecutiveErrorLimit: 4`), and Flagger counts a silent Prometheus as a failed check. Here missing data
 * is never a verdict: the release waits, and says why.
 */

import { Problem } from "../config/option.ts";
import { readText } from "../stores/shared/body.ts";
import { type JsonSchema, TEXT, wholeNumber } from "../text/json-schema.ts";
import {
  type Answer,
  type Check,
  type CheckKind,
  type CheckTools,
  type Subject,
  unknown,
} from "./check-kind.ts";
import { type Condition, holds, overlap, parseCondition } from "./condition.ts";
import { readAnswer } from "./prometheus-answer.ts";
import { fillQuery, parseQuery } from "./prometheus-query.ts";
import { drop, Unanswered } from "./request.ts";
import type { TableKeys } from "./table-keys.ts";
import { type Reply, readWebServer, URL_KEY, WEB_KEYS, type WebServer } from "./web-server.ts";

/** One figure needs a few hundred bytes. A longer answer has many rows. */
export const ANSWER_BYTES_MAX = 65_536;

const HARM_AFTER = 2;
const HARM_AFTER_MAX = 100;

const API_PATH = "/api/v1/query";

const CONDITION: JsonSchema = { type: "string", pattern: String.raw`^\s*(<=|>=|<|>) *[+-]?[\d.]` };

interface Settings {
  readonly server: WebServer;
  readonly query: string;
  readonly go: Condition;
  readonly harm: Condition | undefined;
}

export const prometheus: CheckKind = {
  name: "prometheus",
  summary: "asks Prometheus for one figure, with a condition to go on and one for harm",
  keys: [
    {
      name: "url",
      form: "an address",
      absent: "none; the key is required",
      meaning: `the address of Prometheus, without \`${API_PATH}\``,
      schema: URL_KEY,
      isRequired: true,
    },
    {
      name: "query",
      form: "PromQL",
      absent: "none; the key is required",
      meaning:
        "gives one figure; `{{application}}`, `{{version}}` and `{{of}}` stand for those of the release",
      schema: TEXT,
      isRequired: true,
    },
    {
      name: "go",
      form: "`<`, `<=`, `>` or `>=`, and a number",
      absent: "none; the key is required",
      meaning: "if it is true for the figure, the step may end",
      schema: CONDITION,
      isRequired: true,
    },
    {
      name: "harm",
      form: "the same",
      absent: "none",
      meaning: "if it is true for the figure, the release is taken back",
      schema: CONDITION,
    },
    {
      name: "harm-after",
      form: `a number from 1 to ${HARM_AFTER_MAX}`,
      absent: String(HARM_AFTER),
      meaning: "`harm` must be true in this many evaluations in a row",
      schema: wholeNumber(1, HARM_AFTER_MAX),
    },
    ...WEB_KEYS,
  ],
  read(keys: TableKeys) {
    const server = readWebServer(keys, "http://127.0.0.1:9090");
    if (server?.url.pathname.endsWith(API_PATH)) {
      keys.report("url", `write the address without ${API_PATH}, which the daemon adds`);
    }
    const query = keys.required("query", `'sum(rate(errors[5m]))'`, () => keys.text("query", parseQuery));
    const go = keys.required("go", '"< 0.01"', () => keys.text("go", parseCondition));
    const harm = keys.text("harm", parseCondition);
    const harmAfter = keys.count("harm-after", 1, HARM_AFTER_MAX) ?? HARM_AFTER;
    if (keys.isSet("harm-after") && !keys.isSet("harm")) {
      keys.report("harm-after", "it counts only beside harm; write harm too, or remove it");
    }
    if (go !== undefined && harm !== undefined && overlap(go, harm)) {
      keys.report("harm", `some figures are both ${go.text} and ${harm.text}; leave none for both`);
    }
    if (server === undefined || query === undefined || go === undefined) return undefined;
    const settings: Settings = { server, query, go, harm };
    return { target: server.target, harmAfter, create: (tools) => new Prometheus(settings, tools) };
  },
};

class Prometheus implements Check {
  readonly #settings: Settings;
  readonly #tools: CheckTools;

  constructor(settings: Settings, tools: CheckTools) {
    this.#settings = settings;
    this.#tools = tools;
  }

  async evaluate(subject: Subject, signal: AbortSignal): Promise<Answer> {
    const { server, query } = this.#settings;
    const filled = fillQuery(query, subject);
    if (filled instanceof Problem) return unknown(filled.message);
    const url = addressOf(server.url, filled, this.#tools.timeoutMs);
    const request = { url, headers: { accept: "application/json" } };
    const reply = await server.ask(request, this.#tools, signal);
    if (reply instanceof Unanswered) return unknown(reply.why);
    const text = await bodyOf(reply);
    if (text instanceof Unanswered) return unknown(`${server.target} ${text.why}`);
    return this.#judge(reply, text);
  }

  #judge({ status, response, shown }: Reply, text: string): Answer {
    const { server, go, harm } = this.#settings;
    const answer = readAnswer(text);
    if ("why" in answer && answer.said !== undefined) {
      return unknown(`${server.target}: ${answer.why}: ${shown(answer.said)}`);
    }
    // Prometheus explains its own errors. Any other status comes from a server in front of it.
    if (!response.ok) return unknown(`${server.target} answers with status ${status}; ${remedyOf(status)}`);
    if ("why" in answer) return unknown(`${server.target}: ${answer.why}`);
    const { figure } = answer;
    const given = `the query gives ${figureText(figure)}`;
    if (harm !== undefined && holds(harm, figure)) {
      return { kind: "harm", why: `${given}, and harm is ${harm.text}` };
    }
    return { kind: holds(go, figure) ? "passed" : "waiting", why: `${given}, and go is ${go.text}` };
  }
}

/** GET, which every proxy in front of Prometheus lets through. */
function addressOf(base: URL, query: string, timeoutMs: number): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}${API_PATH}`;
  url.searchParams.set("query", query);
  // Prometheus then ends the work for which this daemon has stopped waiting.
  url.searchParams.set("timeout", `${timeoutMs}ms`);
  return url;
}

async function bodyOf({ response }: Reply): Promise<string | Unanswered> {
  try {
    const text = await readText(response, ANSWER_BYTES_MAX);
    if (text !== undefined) return text;
    drop(response);
    const remedy = "let the query give one figure, such as by sum(…)";
    return new Unanswered(`answers with more than ${ANSWER_BYTES_MAX} bytes; ${remedy}`);
  } catch {
    return new Unanswered("sends no whole answer in UTF-8; look at its server, and at the network");
  }
}

function remedyOf(status: number): string {
  if (status === 401 || status === 403 || status === 407) return "check token, login or headers";
  if (status === 404) return "check url";
  return "look at its server";
}

/** At most six digits, because people read it. */
function figureText(figure: number): string {
  return String(Number(figure.toPrecision(6)));
}
