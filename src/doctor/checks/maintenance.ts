/** The file of maintenance mode agrees with the store, and proxies can see it. */

import { lstatSync, statSync } from "node:fs";
import { join } from "node:path";
import { isMaintenanceOn, MAINTENANCE } from "../../circle.ts";
import { maintenanceDirectory } from "../../saved/maintenance.ts";
import { commandLine } from "../../verbs/command-line.ts";
import type { Check } from "../check.ts";
import { isAnswer, isState } from "../daemon-side.ts";
import { causing, fail, pass, skipped, warn } from "../finding.ts";
import { type Subject, storeFlagsOf } from "../subject.ts";

export const maintenance: Check = {
  id: "maintenance",
  title: "maintenance mode is off, and its file agrees with the store",

  skip: ({ options }) =>
    options.stateDirectory === null ? "there is no state directory (-state-dir none)" : undefined,

  async run(subject) {
    const { stateDirectory } = subject.options;
    const application = applicationName(subject);
    if (stateDirectory === null || application === undefined)
      return skipped("no daemon says which application it serves");
    const directory = maintenanceDirectory(stateDirectory);
    const file = join(directory, application);
    const isThere = exists(file);
    if (isThere === undefined) {
      return skipped(`this user may not look into ${directory}`, { file });
    }
    const wanted = wantedBy(subject);
    const off = commandLine(storeFlagsOf(subject), application, "set", MAINTENANCE, "off");
    const evidence = { file, isThere, wanted: wanted ?? null };
    if (isThere && wanted === false) {
      return causing(
        fail(
          `${file} is there, but the store says that maintenance is off: all visitors see the maintenance page`,
          "start a daemon with this -state-dir, which removes the file; or remove it by hand",
          evidence,
        ),
        "the maintenance file is there",
      );
    }
    if (isThere) {
      return causing(
        warn(
          `maintenance is on (${file}): all visitors see the maintenance page`,
          `end it: ${off}`,
          evidence,
        ),
        "maintenance is on",
      );
    }
    if (wanted && !isRead(subject)) {
      return warn(
        `the store cannot be read, and its last record says on. But ${file} is not there: visitors see the application`,
        `when the store answers again, run at once, if you ended maintenance by hand: ${off}. ` +
          "Otherwise the daemon makes the file again",
        evidence,
      );
    }
    if (wanted) {
      return fail(
        `maintenance is on in the store, but ${file} is not there: visitors still see the application`,
        "name the -state-dir of the daemon and the proxy, and let the daemon write there",
        evidence,
      );
    }
    const hidden = [stateDirectory, directory].find((path) => isHidden(path));
    if (hidden !== undefined) {
      return warn(
        `maintenance is off. If it goes on, visitors do not see it: proxies of other users may not enter ${hidden}`,
        `let them enter it: chmod o+x ${hidden}`,
        evidence,
      );
    }
    return pass("off", evidence);
  },
};

function applicationName({ state, answer, daemon }: Subject): string | undefined {
  if (isState(state)) return daemon.applicationOf(state)?.name;
  return isAnswer(answer) ? answer.application : undefined;
}

/** Whether maintenance is on in the store; undefined if the daemon does not know for sure. */
function wantedBy({ state, daemon }: Subject): boolean | undefined {
  const application = isState(state) ? daemon.applicationOf(state) : undefined;
  if (!application?.fresh || application.malformed.includes(MAINTENANCE)) return undefined;
  return isMaintenanceOn(application.arcs);
}

/** Whether the daemon can read the store now. */
function isRead({ state, daemon }: Subject): boolean {
  return isState(state) && daemon.applicationOf(state)?.error === null;
}

function exists(path: string): boolean | undefined {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? false : undefined;
  }
}

function isHidden(path: string): boolean {
  try {
    return (statSync(path).mode & 0o001) === 0;
  } catch {
    return false;
  }
}
