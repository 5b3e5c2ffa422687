/** `release` without a task: shows the release of an application, without any daemon. */

import { hasRelease } from "../../../records/release-in.ts";
import type { StoreFlags } from "../../../settings/store-flags.ts";
import type { Store } from "../../../stores/store.ts";
import { oneLine } from "../../../text/one-line.ts";
import { commandLine } from "../../../verbs/command-line.ts";
import { meantVersions } from "../../../verbs/meant-version.ts";
import { type Found, type Observation, Observer } from "../../../verbs/observer.ts";
import { type Progress, progressOf } from "../../../verbs/progress.ts";
import { releaseDocument } from "../../../verbs/release-document.ts";
import type { Invocation } from "../../command.ts";
import { CliError, EXITS } from "../../exit.ts";
import { print } from "../../output.ts";
import { applicationHint } from "../../records/application-hint.ts";
import { inTime } from "../../with-store.ts";
import { releaseLines } from "./page.ts";
import { painted } from "./paint.ts";
import { CLOCKS, widthOf } from "./terminal.ts";

/** Prints each release that goes on, or else the newest one. */
export async function look(
  store: Store,
  application: string,
  version: string | undefined,
  invocation: Invocation,
): Promise<number> {
  const { io, storeFlags } = invocation;
  const observer = new Observer(store, application, CLOCKS);
  const seen = await inTime(store, io, (signal) => observer.look(signal));
  const shown = meantIn(seen, version).map((found) => progressOf(seen, found, seen.moment));
  if (shown.length === 0) throw await noneError(store, seen, version, storeFlags);
  print(invocation, { releases: shown.map(releaseDocument) }, () => pageOf(shown, invocation));
  return EXITS.ok.status;
}

/** The releases of a version, or those that are meant if a person names none; the newest first. */
export function meantIn({ releases, snapshot }: Observation, version: string | undefined): readonly Found[] {
  const meant = version === undefined ? meantVersions(snapshot) : [version];
  return releases.filter((found) => meant.includes(found.version));
}

/** The error if there is no release that can be read. */
export async function noneError(
  store: Store,
  { application, snapshot }: Observation,
  version: string | undefined,
  storeFlags: StoreFlags,
): Promise<CliError> {
  if (snapshot.size === 0) {
    const hint = await applicationHint(store, application);
    return new CliError(
      "failed",
      oneLine(`${store.address} has no records of ${application}${hint}`),
      "name the right -application",
    );
  }
  const strange = [...snapshot].filter(
    ([name, { value }]) => (version === undefined || name === version) && hasRelease(value),
  );
  const what = version === undefined ? application : `${version} of ${application}`;
  return strange.length > 0
    ? new CliError(
        "failed",
        oneLine(`the release of ${strange.map(([name]) => name).join(" and of ")} cannot be read`),
        oneLine(
          "use a newer version of this program; to take everyone back all the same: " +
            commandLine(storeFlags, application, "abort"),
        ),
      )
    : new CliError(
        "failed",
        oneLine(`${what} has had no release`),
        oneLine(
          `to start one: ${commandLine(storeFlags, application, "release", version ?? "canary", "default", "-of", "NAME")}`,
        ),
      );
}

function pageOf(shown: readonly Progress[], { io, storeFlags }: Invocation): string {
  const width = widthOf(io.stdout);
  return shown
    .map((progress) =>
      releaseLines(progress, width, storeFlags)
        .map((line) => `${painted(line, io)}\n`)
        .join(""),
    )
    .join("\n");
}
