/**
 * Releases can go forward: a daemon leads each one that is under way, it may write the store, and its clock
 * is right. Without a release, the check says whether this daemon could lead one.
 */

import type { ApplicationState, State } from "../../admin/state.ts";
import type { ReleaseState } from "../../overview/release-state.ts";
import { releaseWord } from "../../overview/release-words.ts";
import { isUnderWay } from "../../releases/release.ts";
import { RIGHTS_REMEDY, unableRemedy, unableText } from "../../releases/rights-remedy.ts";
import type { StoreFlags } from "../../settings/store-flags.ts";
import { durationText } from "../../text/amounts.ts";
import { commandLine } from "../../verbs/command-line.ts";
import type { Check } from "../check.ts";
import { isState } from "../daemon-side.ts";
import { type Evidence, type Finding, fail, pass, warn } from "../finding.ts";
import type { SeenCrew, StoreSide } from "../store-side.ts";
import { type Subject, storeFlagsOf } from "../subject.ts";

/** A store's clock has steps of a second, and its answer takes time. */
const CLOCK_OFF_MS_MAX = 3_000;

/** A summary names at most this many of each kind. */
const NAMED_MAX = 3;

interface Release extends ReleaseState {
  readonly application: string;
}

/** A fault, and what to do. */
type Fault = readonly [text: string, remedy: string];

export const releases: Check = {
  id: "releases",
  title: "releases can go forward",
  follows: ["daemon", "store"],

  skip({ state }) {
    if (!isState(state)) return "only the admin listener has the releases";
    return state.controller === undefined ? "the daemon is older than releases" : undefined;
  },

  async run(subject) {
    const { state, options } = subject;
    if (!isState(state)) throw new TypeError("releases was run without a state");
    const applications = applicationsOf(subject, state);
    const all = applications.flatMap(({ name, releases: known = [] }) =>
      known.map((release): Release => ({ ...release, application: name })),
    );
    const open = all.filter((each) => isUnderWay(each) || each.fading);
    const leads = (state.controller ?? null) !== null;
    // A write is tried only for a daemon that has to write: any other login may be a reader, and stays one.
    const trial = leads ? (open[0]?.application ?? applications[0]?.name) : undefined;
    const names = [...new Set(open.map(({ application }) => application))];
    const isConcerned = leads || open.length > 0;
    const side = isConcerned ? await options.storeSide?.(state.store, names, trial) : undefined;
    const evidence = evidenceOf(state, open, side);
    const storeFlags = storeFlagsOf(subject);
    const faults = [
      ...controllerFaults(state, side),
      ...applications.flatMap((each) => problemFaults(each, storeFlags)),
      ...open.flatMap((each) => releaseFaults(each, side, storeFlags)),
    ];
    if (faults.length > 0) return found(fail, faults, evidence);
    const doubts = [
      ...evidenceDoubts(state, side),
      ...clockDoubts(state, side),
      ...open.flatMap((each) => releaseDoubts(each, side)),
      ...noticeDoubts(state),
    ];
    if (doubts.length > 0) return found(warn, doubts, evidence);
    return pass(summaryOf(state, open, side), evidence);
  },
};

function applicationsOf({ daemon }: Subject, state: State): readonly ApplicationState[] {
  const asked = daemon.isNamed ? daemon.applicationOf(state) : undefined;
  return asked === undefined ? state.applications : [asked];
}

function found(make: typeof fail, faults: readonly Fault[], evidence: Evidence): Finding {
  const shown = faults.slice(0, NAMED_MAX);
  const more = faults.length > NAMED_MAX ? `; and ${faults.length - NAMED_MAX} more` : "";
  const remedies = [...new Set(shown.map(([, remedy]) => remedy))];
  return make(`${shown.map(([text]) => text).join("; ")}${more}`, remedies.join(". "), evidence);
}

/** This daemon cannot lead, although it should. */
function controllerFaults({ controller }: State, side: StoreSide | undefined): Fault[] {
  if (controller === undefined || controller === null) return [];
  if (controller.problem !== null) return [[controller.problem, RIGHTS_REMEDY]];
  const { write } = side ?? {};
  return write?.kind === "denied"
    ? [
        [
          `the store refuses writes of the login that doctor has from its settings: ${write.why}`,
          RIGHTS_REMEDY,
        ],
      ]
    : [];
}

function problemFaults({ name, releaseProblems = [] }: ApplicationState, storeFlags: StoreFlags): Fault[] {
  return releaseProblems.map(({ version, problem }) => [
    `the release of ${version} of ${name} cannot be read: ${problem}`,
    `look at it: ${commandLine(storeFlags, name, "get")}. To take its visitors back: ${commandLine(storeFlags, name, "abort")}`,
  ]);
}

/** The release is not as its record says, or does not go forward. */
function releaseFaults(release: Release, side: StoreSide | undefined, storeFlags: StoreFlags): Fault[] {
  const { application, id, version, override, lead } = release;
  const what = `release ${id} of ${application}`;
  if (override !== null || (lead?.overriddenBy.length ?? 0) > 0) {
    const who = [...(override === null ? [] : ["this daemon"]), ...(lead?.overriddenBy ?? [])].join(", ");
    return [
      [
        `${who} sends all visitors of ${version} to master, and the record of ${what} does not say so yet`,
        `find out why the record cannot be written. To write it by hand: ${commandLine(storeFlags, application, "abort")}`,
      ],
    ];
  }
  const crew = crewOf(release, side);
  if (lead?.nobodyLeads || (lead === null && crew?.leaders.length === 0)) {
    const unable = crew?.unable ?? [];
    if (unable.length > 0) {
      return [[`no daemon leads ${what}: ${unableText(unable)}`, unableRemedy(unable)]];
    }
    return [
      [
        `no daemon leads ${what}, so it does not go forward`,
        `start a daemon with -releases on that may write the store, or go on by hand: ${commandLine(storeFlags, application, "promote", "-expect-step", String(release.step))}`,
      ],
    ];
  }
  return lead?.problem
    ? [[`${what} is stuck: ${lead.problem}`, "read the daemon's log, which has each attempt"]]
    : [];
}

/** The daemons that lead a release, and those that cannot; undefined if they are not known. */
function crewOf({ key, lead }: Release, side: StoreSide | undefined): SeenCrew | undefined {
  const seen = side?.crews.get(key);
  return lead === null ? seen : { leaders: lead.ledBy, unable: lead.unable ?? seen?.unable ?? [] };
}

/** By the daemon's own sample, or else by doctor's. */
function clockDoubts({ controller }: State, side: StoreSide | undefined): Fault[] {
  const aheadMs = controller?.storeClockAheadMs ?? side?.clockAheadMs;
  if (aheadMs === undefined || Math.abs(aheadMs) <= CLOCK_OFF_MS_MAX) return [];
  const way = aheadMs > 0 ? "behind" : "ahead of";
  return [
    [
      `this machine's clock is ${durationText(Math.abs(aheadMs))} ${way} the store's`,
      "let a time service such as chrony set the clocks. Releases wait by the store's clock, but log lines have this machine's",
    ],
  ];
}

/** Controllers see each other in the evidence alone. */
function evidenceDoubts({ controller }: State, side: StoreSide | undefined): Fault[] {
  if (!controller || side?.hasEvidence !== false) return [];
  return [
    [
      "the store keeps no evidence, so it admits one daemon with -releases on, and that one sees no other",
      "make sure that every other daemon of this store has -releases off",
    ],
  ];
}

function releaseDoubts(release: Release, side: StoreSide | undefined): Fault[] {
  const { application, id, key, lead } = release;
  const what = `release ${id} of ${application}`;
  if (lead === null && !side?.crews.has(key)) {
    return [
      [
        `doctor cannot know whether a daemon leads ${what}, because ${side === undefined ? "this one has -releases off" : "the store does not show it"}`,
        "give doctor the -store or the -config of the daemon, or ask a daemon with -releases on by its -admin",
      ],
    ];
  }
  const unable = crewOf(release, side)?.unable ?? [];
  const checks = lead?.checks.filter(({ kind }) => kind === "unknown") ?? [];
  return [
    ...(unable.length > 0 ? [[`${what}: ${unableText(unable)}`, unableRemedy(unable)] as const] : []),
    ...checks.map(
      ({ sentence }) =>
        [
          `${what} waits for a check without an answer: ${sentence}`,
          "see whether the check's address can be reached from this machine, and read the daemon's log",
        ] as const,
    ),
  ];
}

function noticeDoubts({ notices = [] }: State): Fault[] {
  return notices
    .filter(({ failed, waiting }) => failed > 0 || waiting > 0)
    .map(({ to, failed, waiting }) => [
      `of the notices for ${to}, ${failed} are lost and ${waiting} wait`,
      "read the daemon's log, which has the answer of the receiver",
    ]);
}

function summaryOf({ controller }: State, open: readonly Release[], side: StoreSide | undefined): string {
  const own = controller
    ? `this daemon leads releases as ${controller.name}${side?.write?.kind === "allowed" ? ", and doctor may write the store" : ""}`
    : "this daemon has -releases off, so another one must lead";
  const frozen = controller?.freeze?.frozen ? "; all releases are frozen" : "";
  if (open.length === 0) return `no release is under way; ${own}${frozen}`;
  const shown = open.slice(0, NAMED_MAX).map((each) => {
    const leaders = crewOf(each, side)?.leaders ?? [];
    return `${each.application}: ${releaseWord(each)}, led by ${leaders.join(", ") || "a daemon that is not yet known"}`;
  });
  const more = open.length > NAMED_MAX ? [`${open.length - NAMED_MAX} more`] : [];
  return `${[...shown, ...more].join("; ")}${frozen}`;
}

function evidenceOf(
  { controller, notices = [] }: State,
  open: readonly Release[],
  side: StoreSide | undefined,
): Evidence {
  return {
    controller: controller?.name ?? null,
    problem: controller?.problem ?? null,
    releases: open.map(({ application, id }) => `${application} ${id}`).slice(0, 100),
    unled: open.filter(({ lead }) => lead?.nobodyLeads).map(({ application, id }) => `${application} ${id}`),
    overrides: controller?.overrides.length ?? 0,
    write: side?.write?.kind ?? null,
    clockAheadMs:
      controller?.storeClockAheadMs ??
      (side?.clockAheadMs === undefined ? null : Math.round(side.clockAheadMs)),
    frozen: controller?.freeze?.frozen ?? null,
    noticesFailed: notices.reduce((sum, { failed }) => sum + failed, 0),
  };
}
