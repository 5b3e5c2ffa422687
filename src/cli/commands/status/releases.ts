/**
 * The releases of an application as `status` shows them: what a daemon knows of each, and what a person can
 * do about it. Pure.
 */

import type { ApplicationState, State } from "../../../admin/state.ts";
import { BROUGHT_UNTOLD_SENTENCE } from "../../../evidence/judged.ts";
import { NOTHING_HEARD_SENTENCE } from "../../../evidence/silence.ts";
import { SIGNS } from "../../../judge/signs.ts";
import { SIGN_SENTENCES } from "../../../judge/step-sentences.ts";
import type { ReleaseState } from "../../../overview/release-state.ts";
import { releaseWord } from "../../../overview/release-words.ts";
import { isUnderWay } from "../../../releases/release.ts";
import { unableRemedy, unableText } from "../../../releases/rights-remedy.ts";
import type { StoreFlags } from "../../../settings/store-flags.ts";
import { durationText, exactDurationText, rolloutText } from "../../../text/amounts.ts";
import { commandLine } from "../../../verbs/command-line.ts";

type Controller = State["controller"];
/** The part of a daemon's state that is about releases. */
type Daemon = Pick<State, "controller" | "storeFlags">;
type Lead = NonNullable<ReleaseState["lead"]>;
type Wait = Lead["waits"][number];

/** Rows of a label and a text. None for an application without a release. */
export function releaseRows(
  { name, releases = [], releaseProblems = [] }: ApplicationState,
  daemon: Daemon,
): string[][] {
  return [
    ...releases.flatMap((release) => rowsOf(name, release, daemon)),
    ...releaseProblems.map(({ version, problem }) => [
      "release",
      `of ${version}: this daemon cannot read it, because ${problem}`,
    ]),
  ];
}

function rowsOf(
  application: string,
  release: ReleaseState,
  { controller, storeFlags = [] }: Daemon,
): string[][] {
  const { version, rollout, since, by, reason, lead } = release;
  const author = by === null ? "" : ` by ${by}`;
  const why = reason === null ? "" : `: ${reason}`;
  const rows = [
    ["release", `${releaseWord(release)}; ${version} ${rolloutText(rollout)} since ${since}${author}${why}`],
  ];
  const urgent = urgentText(application, release, storeFlags);
  if (urgent !== undefined) rows.push(["OVERRIDE", urgent]);
  if (lead === null) {
    if (isUnderWay(release)) rows.push(["led by", `unknown: ${whyUnknown(controller)}`]);
    return rows;
  }
  const waits = waitTexts(application, release, lead, storeFlags);
  if (waits.length > 0) rows.push(["waits for", waits.join("; ")]);
  rows.push(...judgeRows(lead.judge ?? undefined, rollout));
  rows.push(["led by", lead.nobodyLeads ? "NO DAEMON" : lead.ledBy.join(", ") || "not yet known"]);
  const unable = lead.unable ?? [];
  if (unable.length > 0) rows.push(["CANNOT LEAD", `${unableText(unable)}: ${unableRemedy(unable)}`]);
  if (lead.problem !== null) rows.push(["PROBLEM", lead.problem]);
  if (controller?.freeze?.frozen) rows.push(["FROZEN", freezeText(controller.freeze)]);
  return rows;
}

/** The figures of the judge, while two versions can be compared. */
function judgeRows(judge: Lead["judge"] | undefined, rollout: number): string[][] {
  if (judge === undefined || judge === null || !(rollout > 0 && rollout < 1)) return [];
  // An older daemon has no sentences of its own.
  if (judge.isSilent) return [["SILENCE", NOTHING_HEARD_SENTENCE]];
  const rows = judge.metrics.flatMap(({ name, canary, master, sentence, timeToFind, isSuspicious }) => {
    const time = canary + master > 0 ? `; ${timeToFind}` : "";
    return name === "errors" || isSuspicious ? [[name, `${sentence}${time}`]] : [];
  });
  return [
    ...(judge.silences ?? []).map((sentence) => ["SILENCE", sentence]),
    ...rows,
    ["heard", judge.heard],
    ...(judge.isBroughtUntold ? [["NOTE", BROUGHT_UNTOLD_SENTENCE]] : []),
    ...(judge.shortages ?? []).map((sentence) => ["NOTE", sentence]),
  ];
}

/** Warnings that stderr gets, too. */
export function releaseWarnings(
  { name, releases = [], releaseProblems = [] }: ApplicationState,
  storeFlags: StoreFlags = [],
): string[] {
  return [
    ...releases.flatMap((release) => {
      const urgent = urgentText(name, release, storeFlags);
      return [
        ...(urgent === undefined ? [] : [`OVERRIDE of ${name}: ${urgent}`]),
        ...(release.lead?.nobodyLeads ? [unledText(name, release, storeFlags)] : []),
        ...unableWarnings(name, release),
        ...(release.lead?.problem
          ? [`release ${release.id} of ${name} IS STUCK: ${release.lead.problem}`]
          : []),
      ];
    }),
    ...releaseProblems.map(
      ({ version, problem }) => `the release of ${version} of ${name} CANNOT BE READ: ${problem}`,
    ),
  ];
}

function unledText(application: string, { id, step }: ReleaseState, storeFlags: StoreFlags): string {
  return (
    `NO DAEMON LEADS release ${id} of ${application}, so it does not go forward: start a daemon with -releases on that may ` +
    `write the store, or go on by hand: ${commandLine(storeFlags, application, "promote", "-expect-step", String(step))}`
  );
}

function unableWarnings(application: string, { id, lead }: ReleaseState): string[] {
  const unable = lead?.unable ?? [];
  if (unable.length === 0) return [];
  return [`release ${id} of ${application}: ${unableText(unable)}; ${unableRemedy(unable)}`];
}

/** A daemon has taken visitors back by itself. */
function urgentText(
  application: string,
  { id, version, override, lead }: ReleaseState,
  storeFlags: StoreFlags,
): string | undefined {
  const others = lead?.overriddenBy ?? [];
  if (override === null && others.length === 0) return undefined;
  const who = [...(override === null ? [] : ["this daemon"]), ...others].join(", ");
  const why = override === null ? "" : ` since ${override.at}, because ${override.reason}`;
  return (
    `${who}: all visitors of ${version} go to master${why}. The record does not say so yet; to write it by hand: ` +
    `${commandLine(storeFlags, application, "abort")}. It is about release ${id}`
  );
}

function whyUnknown(controller: Controller): string {
  return controller === undefined || controller === null
    ? "this daemon has -releases off; the command release shows who leads"
    : (controller.problem ?? "this daemon does not lead it yet");
}

function freezeText({ by, at, why }: NonNullable<NonNullable<Controller>["freeze"]>): string {
  return `by ${by ?? "an unknown writer"}${at === null ? "" : ` since ${at}`}${why === null ? "" : `: ${why}`}`;
}

/** All that is not yet true. */
function waitTexts(application: string, release: ReleaseState, lead: Lead, storeFlags: StoreFlags): string[] {
  return lead.waits
    .filter(({ state }) => state !== "met")
    .flatMap((wait) => waitText(application, release, wait, lead, storeFlags) ?? []);
}

function waitText(
  application: string,
  { step }: ReleaseState,
  { kind, name, passedMs = 0, ofMs }: Wait,
  { checks, judge }: Pick<Lead, "checks" | "judge">,
  storeFlags: StoreFlags,
): string | undefined {
  switch (kind) {
    case "time":
      return `time: ${leftText((ofMs ?? 0) - passedMs)} more`;
    case "ok":
      return `ok${blocksText(judge)}${typeof ofMs === "number" ? `, for ${leftText(ofMs - passedMs)} at most` : ""}`;
    case "evidence":
      return "evidence that is not too old";
    case "check": {
      const told = checks.find((each) => each.name === name);
      const age = typeof told?.ageMs === "number" ? ` (${durationText(told.ageMs)} ago)` : "";
      return told === undefined ? `check(${name})` : `${told.sentence}${age}`;
    }
    case "sign":
      return `a person, who looks at the sign ${name}${meaningText(name)} and clears it: ${commandLine(storeFlags, application, "release", "-clear", name ?? "NAME")}`;
    case "approve":
      return `approval: ${commandLine(storeFlags, application, "promote", "-expect-step", String(step))}`;
    case "windows":
      return "a window";
    case "freeze":
      return "the end of the freeze";
    case "plan":
      return "a newer version of this program, because this one cannot read the plan";
    case "resume":
      return `a person: ${commandLine(storeFlags, application, "resume")}`;
    case "fade":
      return "the end of its way down";
    default:
      // A newer daemon has further conditions.
      return String(kind);
  }
}

function blocksText(judge: Lead["judge"]): string {
  return judge && judge.blocks.length > 0 ? ` (${judge.blocks.join(", and ")})` : "";
}

function meaningText(sign: string | undefined): string {
  const known = SIGNS.find((name) => name === sign);
  return known === undefined ? "" : ` (${SIGN_SENTENCES[known]})`;
}

function leftText(ms: number): string {
  return exactDurationText(Math.ceil(Math.max(0, ms) / 1_000) * 1_000);
}
