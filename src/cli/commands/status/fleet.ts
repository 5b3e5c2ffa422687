/** Several daemons side by side: which of them answer, and whether they have the same rollouts. */

import type { AdminError } from "../../../admin/client/fetch-state.ts";
import type { ApplicationState, State } from "../../../admin/state.ts";
import { isMaintenanceOn } from "../../../circle.ts";
import { releaseWord } from "../../../overview/release-words.ts";
import { shortRollout } from "../../../records/shown.ts";
import { durationText } from "../../../text/amounts.ts";
import { columns } from "../../../text/columns.ts";
import { releaseWarnings } from "./releases.ts";

/** The state of one daemon, or why it gave none. */
export interface DaemonAnswer {
  /** `HOST:PORT`. */
  readonly admin: string;
  readonly state: State | null;
  readonly error: AdminError | null;
}

/** The daemons that have one application alike. */
interface Group {
  readonly application: string;
  readonly rollouts: string;
  readonly admins: string[];
  /** Each release in a few words, as each of the daemons has it. */
  readonly releases: Set<string>;
}

export function fleetPage(answers: readonly DaemonAnswer[]): string {
  const daemons = columns(
    ["daemon", "version", "up", "applications", "rollouts", "maintenance", "error"],
    answers.map(({ admin, state, error }) =>
      state === null
        ? [admin, "", "", "", "UNKNOWN", "", error?.message ?? ""]
        : [
            admin,
            state.version,
            durationText(state.uptimeMs),
            String(state.applications.length),
            staleText(state.applications),
            namesOf(
              state.applications.filter(({ arcs }) => isMaintenanceOn(arcs)),
              "ON: ",
            ),
            state.notReady ?? "",
          ],
    ),
  );
  const groups = groupsOf(answers).map(({ application, rollouts, admins, releases }) => [
    application,
    rollouts,
    [...releases].join("; "),
    admins.length === answers.length ? `all ${admins.length}` : admins.join(", "),
  ]);
  return [daemons, columns(["application", "rollouts", "release", "daemons"], groups)].join("\n");
}

/** Warnings about releases, each once, although several daemons may have it. */
export function releaseAlarms(answers: readonly DaemonAnswer[]): string[] {
  const alarms = answers.flatMap(({ admin, state }) =>
    (state?.applications ?? []).flatMap((application) =>
      releaseWarnings(application, state?.storeFlags).map((warning) => ({ admin, warning })),
    ),
  );
  const admins = Map.groupBy(alarms, ({ warning }) => warning);
  return [...admins].map(([warning, told]) => `${told.map(({ admin }) => admin).join(", ")}: ${warning}`);
}

/** One sentence for each application that the daemons do not have alike. */
export function disagreements(answers: readonly DaemonAnswer[]): string[] {
  const groups = groupsOf(answers);
  return [...new Set(groups.map(({ application }) => application))].flatMap((application) => {
    const own = groups.filter((group) => group.application === application);
    if (own.length < 2) return [];
    const parts = own.map(({ admins, rollouts }) => `${rollouts} at ${admins.join(", ")}`);
    return [`the daemons DO NOT AGREE about ${application}: ${parts.join("; ")}`];
  });
}

function groupsOf(answers: readonly DaemonAnswer[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { admin, state } of answers) {
    for (const application of state?.applications ?? []) {
      const rollouts = rolloutsText(application);
      const key = `${application.name}\n${rollouts}`;
      const group = groups.get(key) ?? {
        application: application.name,
        rollouts,
        admins: [],
        releases: new Set(),
      };
      groups.set(key, group);
      for (const release of application.releases ?? []) group.releases.add(releaseWord(release));
      group.admins.push(admin);
    }
  }
  return [...groups.values()].sort((a, b) => (a.application < b.application ? -1 : 1));
}

/** `canary 5%, blue 10% from 0.5 hold`. */
function rolloutsText({ arcs }: ApplicationState): string {
  if (arcs.length === 0) return "no version";
  return arcs
    .map(({ version, rollout, offset, failsafe }) => {
      const size = shortRollout({ version, rollout });
      return `${version} ${size}${offset === 0 ? "" : ` from ${offset}`}${failsafe === "hold" ? " hold" : ""}`;
    })
    .join(", ");
}

function staleText(applications: readonly ApplicationState[]): string {
  return namesOf(
    applications.filter(({ fresh }) => !fresh),
    "STALE: ",
  ).replace(/^$/, "fresh");
}

function namesOf(applications: readonly ApplicationState[], prefix: string): string {
  return applications.length === 0 ? "" : prefix + applications.map(({ name }) => name).join(", ");
}
