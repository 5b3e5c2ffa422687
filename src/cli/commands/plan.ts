/** Shows the plan of a release before it is used: its timetable, or all that is wrong with it. */

import { configFile } from "../../config/config-file.ts";
import { Problem } from "../../config/option.ts";
import { single } from "../../config/values.ts";
import { DEFAULT_PLAN, plans } from "../../releases/named-plans.ts";
import type { PlanProblems } from "../../releases/plan-parser.ts";
import { quote } from "../../text/quote.ts";
import { choosePlan } from "../../verbs/chosen-plan.ts";
import { type Command, type Invocation, PROGRAM } from "../command.ts";
import { CliError, EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { planDocument, planPage } from "./plan/page.ts";

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

export const at = single<number | null>(
  {
    name: "at",
    placeholder: "TIME",
    summary: "the start of the release, such as 2026-12-01T09:00Z; without it, now",
    flagOnly: true,
    absent: null,
  },
  (text) => {
    const ms = TIME.test(text) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(ms)
      ? new Problem("write a time with its zone, such as 2026-12-01T09:00Z or 2026-12-01T09:00+01:00")
      : ms;
  },
);

export const plan: Command = {
  name: "plan",
  summary: "show the timetable of a release's plan, and all mistakes in it",
  description:
    "A plan is the steps of a release, and what each step waits for. It is written in one line:\n" +
    "  1%:10m,5%:30m+ok<2h,25%:1h+approve+check(load),100%:1d\n" +
    "A step is a share of all visitors and a wait. The terms of a wait are joined by +, and all of them must be\n" +
    "true at the same time:\n" +
    "  10m          the step lasts at least this long\n" +
    "  ok           the judge has seen enough visitors in this step, for five minutes at least, and no harm;\n" +
    "               ok<2h bounds the time that it has\n" +
    "  approve      a person says yes; a step without a wait waits for this\n" +
    "  check(load)  the check of this name passes\n" +
    "The wait of the last step, which is 100%, is the time to watch the release before it is finished.\n" +
    "A shell needs quotes around a line with < or ( in it: '5%:30m+ok<2h,100%:1d'.\n" +
    "A table [plans.NAME] of the configuration file gives a plan a name, and more settings. Without a word, the\n" +
    `command shows the plan ${DEFAULT_PLAN}, and the names of all others. It reads no store.`,
  positionals: [{ name: "PLAN", summary: "the line of a plan, or the name of one", required: false }],
  options: [at, configFile, output],
  tables: [plans],
  examples: [
    { line: "plan", meaning: `the timetable of the plan ${DEFAULT_PLAN}, if the release began now` },
    { line: "plan 1%:10m,10%:1h+ok,100%:1d -at 2026-12-01T09:00Z", meaning: "a plan without a name" },
  ],

  async run(invocation) {
    const { settings, positionals } = invocation;
    const startMs = settings.get(at) ?? Date.now();
    const all = settings.get(plans);
    const word = positionals[0];
    const choice = choosePlan(word, all);
    if (choice.kind === "no-such-plan") {
      const remedy = `read ${PROGRAM} help plan, or write the plan itself, such as 1%:10m,100%:1d`;
      throw new CliError("usage", choice.message, remedy);
    }
    if (choice.kind === "problems") return refuse(invocation, word ?? "", choice.problems);
    const { name, ...rest } = choice.plan;
    const subject = name === undefined ? { plan: rest.plan } : { name, ...rest };
    const others = word === undefined ? all.filter((other) => other.name !== name) : [];
    const lines = others.map((other) => ({ name: other.name, plan: other.plan.text }));
    print(
      invocation,
      { ...planDocument(subject, startMs), ...(word === undefined && { others: lines }) },
      () => planPage(subject, startMs, others),
    );
    return EXITS.ok.status;
  },
};

/** Programs get the problems as JSON on stdout, so that they can point at the columns. */
function refuse(invocation: Invocation, text: string, { problems }: PlanProblems): number {
  if (invocation.settings.get(output) === "json") {
    print(invocation, { text, problems }, () => "");
    return EXITS.usage.status;
  }
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const list = problems.map(({ column, message }) => `\n  column ${column}: ${message}`).join("");
  throw new CliError("usage", `${count} in the plan ${quote(text)}${list}`, `read ${PROGRAM} help plan`);
}
