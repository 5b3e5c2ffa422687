/**
 * Says before a release how its plan would do: how often it errs, how soon it finds harm, and how long it
 * takes.
 */

import { configFile } from "../../config/config-file.ts";
import { Problem } from "../../config/option.ts";
import { parseRollout, single } from "../../config/values.ts";
import { wholeText } from "../../judge/figures.ts";
import { weightsOf } from "../../judge/metrics.ts";
import { plans } from "../../releases/named-plans.ts";
import { type Answers, answersOf, type Effort } from "../../simulate/answers.ts";
import { logSite } from "../../simulate/log-site.ts";
import { LOG_REQUESTS_MAX } from "../../simulate/request-log.ts";
import { REQUESTS_A_VISITOR, steadySite } from "../../simulate/steady-site.ts";
import type { Site } from "../../simulate/traffic.ts";
import { exactDurationText, rolloutText } from "../../text/amounts.ts";
import { quote } from "../../text/quote.ts";
import { type ChosenPlan, choosePlan } from "../../verbs/chosen-plan.ts";
import { type Command, PROGRAM } from "../command.ts";
import { CliError, EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { simulationDocument, simulationPage } from "./simulate/page.ts";
import { readLog } from "./simulate/read-log.ts";

/** A site with more requests a minute is simulated as one with this many, which is sure enough. */
const RATE_MAX = 1_000_000;

/** Without errors there is nothing to multiply, so a site without errors is taken for one with this share. */
const ERROR_SHARE_MIN = 0.0001;

/** All runs together play about this many requests of a log. */
const PLAYED_REQUESTS = 200_000_000;
const SOUND_RUNS = { least: 40, most: 500 } as const;
const HARM_RUNS = { least: 20, most: 100 } as const;

export const rate = single<number | null>(
  {
    name: "rate",
    placeholder: "REQUESTS",
    summary: `requests a minute, of ${REQUESTS_A_VISITOR} a visitor`,
    flagOnly: true,
    absent: null,
  },
  (text) => {
    const value = /^\d{1,7}(\.\d+)?$/.test(text) ? Number(text) : 0;
    return value > 0 && value <= RATE_MAX
      ? value
      : new Problem(`write the requests a minute, up to ${wholeText(RATE_MAX)}, such as 1000`);
  },
);

export const errors = single<number | null>(
  {
    name: "errors",
    placeholder: "SHARE",
    summary: "share of requests that fail with master, such as 0.5%",
    flagOnly: true,
    absent: null,
  },
  (text) => {
    const share = parseRollout(text);
    if (share instanceof Problem) return new Problem("write a share of the requests such as 0.5%");
    return share > 0 && share < 1 ? share : new Problem("write a share above 0% and below 100%");
  },
);

export const log = single<string | null>(
  {
    name: "log",
    placeholder: "FILE",
    summary: "an access log, such as yesterday's; it may be packed by gzip",
    flagOnly: true,
    absent: null,
  },
  (text) => text,
);

export const simulate: Command = {
  name: "simulate",
  summary: "say before a release how a plan would do with this site's traffic",
  description:
    "It plays many releases by the plan, with visitors in new places of the circle each time, and judges them as a daemon\n" +
    "does. It says how often a sound canary would be aborted, how soon two, five and ten times the errors would be found, and\n" +
    "how many visitors would be hurt until then. It also says how long a sound release takes. The traffic comes from an access\n" +
    "log, or from a rate and a share of errors. The log may be in the format combined, HAProxy's httplog, or JSON of nginx,\n" +
    "Caddy or Traefik. Only errors are simulated, not slow answers or an application's events. It asks no daemon and no store.",
  positionals: [{ name: "PLAN", summary: "the line of a plan, or the name of one", required: true }],
  options: [log, rate, errors, configFile, output],
  tables: [plans],
  examples: [
    {
      line: "simulate default -log /var/log/nginx/access.log.1",
      meaning: "the plan default with yesterday's visitors",
    },
    {
      line: "simulate 5%:30m+ok,25%:1h+ok,100%:1d -rate 1000 -errors 0.5%",
      meaning: "a plan without a name, at 1 000 requests a minute",
    },
  ],

  async run(invocation) {
    const { settings, positionals } = invocation;
    const chosen = chosenPlan(positionals[0] ?? "", choosePlan(positionals[0], settings.get(plans)));
    const { site, traffic, requests, lengthMs } = await siteOf(
      settings.get(log),
      settings.get(rate),
      settings.get(errors),
    );
    const weights = weightsOf({
      ...{ bounds: chosen.slowMs.length, isBroughtTold: true, events: chosen.events },
    });
    const answers: Answers = answersOf(chosen.plan, weights, site, effortOf(chosen, requests, lengthMs));
    const simulated = { plan: chosen.plan, traffic, answers };
    print(invocation, simulationDocument(simulated), () => simulationPage(simulated));
    return EXITS.ok.status;
  },
};

function chosenPlan(word: string, choice: ReturnType<typeof choosePlan>): ChosenPlan {
  if (choice.kind === "plan") return choice.plan;
  const remedy = `read ${PROGRAM} help plan, or write the plan itself, such as 1%:10m,100%:1d`;
  if (choice.kind === "no-such-plan") throw new CliError("usage", choice.message, remedy);
  throw new CliError(
    "usage",
    `the plan ${quote(word)} has mistakes`,
    `${PROGRAM} plan ${quote(word)} shows all of them`,
  );
}

interface KnownSite {
  readonly site: Site;
  /** For the page, in one line. */
  readonly traffic: string;
  /** The requests of the log, and its length; 0 without a log. */
  readonly requests: number;
  readonly lengthMs: number;
}

async function siteOf(
  path: string | null,
  perMinute: number | null,
  share: number | null,
): Promise<KnownSite> {
  if (path === null) {
    if (perMinute !== null && share !== null) return steady(perMinute, share);
    throw new CliError("usage", "the traffic is not known", "write -log FILE, or both -rate and -errors");
  }
  if (perMinute !== null || share !== null) {
    throw new CliError("usage", "the log says the rate and the errors", "leave out -rate and -errors");
  }
  const { log: requests, unread, isCut } = await readLog(path);
  const errorShare = Math.max(ERROR_SHARE_MIN, requests.errors / requests.size);
  const few =
    requests.errors / requests.size < ERROR_SHARE_MIN
      ? `, taken for ${rolloutText(ERROR_SHARE_MIN)}, because a harm is a multiple of it`
      : "";
  const cut = isCut ? `; only the first ${wholeText(LOG_REQUESTS_MAX)} requests were read` : "";
  const passed = unread === 0 ? "" : `; ${wholeText(unread)} lines were passed over`;
  return {
    site: logSite(requests, errorShare),
    traffic:
      `${wholeText(requests.size)} requests of ${wholeText(requests.visitors)} visitors in ` +
      `${exactDurationText(requests.lengthMs)}, ${shareOf(requests.errors, requests.size)} of them errors${few}${passed}${cut}`,
    ...{ requests: requests.size, lengthMs: requests.lengthMs },
  };
}

function steady(requestsPerMinute: number, errorShare: number): KnownSite {
  return {
    site: steadySite({ requestsPerMinute, errorShare }),
    traffic: `${wholeText(requestsPerMinute)} requests a minute, ${REQUESTS_A_VISITOR} a visitor, ${rolloutText(errorShare)} of them errors`,
    ...{ requests: 0, lengthMs: 0 },
  };
}

function shareOf(count: number, of: number): string {
  return `${Number(((100 * count) / of).toPrecision(2))}%`;
}

/** As many runs as the log allows, so that the answer comes within some seconds. */
function effortOf({ plan }: ChosenPlan, requests: number, lengthMs: number): Effort {
  const planMs = plan.steps.reduce((sum, { rollout, wait }) => sum + (rollout < 1 ? wait.minMs : 0), 0);
  const played = requests * Math.max(1, planMs / Math.max(1, lengthMs));
  const runs = played === 0 ? SOUND_RUNS.most : Math.floor(PLAYED_REQUESTS / played);
  const within = ({ least, most }: { readonly least: number; readonly most: number }, count: number) =>
    Math.max(least, Math.min(most, count));
  return { soundRuns: within(SOUND_RUNS, runs), harmRuns: within(HARM_RUNS, Math.floor(runs / 5)) };
}
