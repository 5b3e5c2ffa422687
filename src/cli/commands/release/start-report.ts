/** All that `release` prints about a start, for people and for programs. */

import type { Release } from "../../../releases/release.ts";
import { releaseField } from "../../../releases/release-field.ts";
import { unableText } from "../../../releases/rights-remedy.ts";
import { oneLine } from "../../../text/one-line.ts";
import type { Awaited } from "../../../verbs/await-crew.ts";
import type { Invocation } from "../../command.ts";
import { EXITS } from "../../exit.ts";
import { print } from "../../output.ts";
import { remark } from "../../releases/say.ts";
import { planDocument } from "../plan/page.ts";
import { leadersText } from "./page.ts";
import type { Prepared } from "./prepare.ts";
import { dryRunText } from "./start-text.ts";
import { CLOCKS } from "./terminal.ts";

/** `led by web-1, web-2`, or why that cannot be said. */
export function crewText(awaited: Awaited | undefined): string {
  switch (awaited?.kind) {
    case undefined:
      return "led by whichever daemon has -releases on; none was waited for (-unattended)";
    case "led":
      return oneLine(
        `led by ${leadersText(awaited.leaders)}${awaited.unable.length === 0 ? "" : `; ${unableText(awaited.unable)}`}`,
      );
    case "unled":
      return "led by no daemon";
    case "unseen":
      return awaited.error === undefined
        ? "this store does not show which daemons lead it; look at status of a daemon with -releases on"
        : oneLine(`which daemons lead it cannot be read: ${awaited.error.message}`);
  }
}

/** All that would be, and what is refused. */
export function printDryRun(prepared: Prepared, invocation: Invocation): void {
  const { opening, request, remarks, error } = prepared;
  const { offset } = request.start;
  const isDrawn = typeof opening.chosen.offset !== "number";
  const nowMs = CLOCKS.wall();
  print(
    invocation,
    {
      ...{ written: false, ...opening.target, id: opening.id, of: opening.of, before: opening.before },
      ...planDocument(planSubject(prepared), nowMs),
      ...{ offset: isDrawn ? "random" : offset, remarks, problem: error?.message ?? null },
    },
    () => {
      const end = error === undefined ? "nothing was written, because of -dry-run\n" : "";
      return `${dryRunText(opening, isDrawn ? "drawn at random by each start" : String(offset), nowMs)}\n${end}`;
    },
  );
  for (const text of remarks) remark(invocation, text);
}

function planSubject({ opening: { chosen } }: Prepared): Parameters<typeof planDocument>[0] {
  const { name, ...rest } = chosen;
  return name === undefined ? rest : { name, ...rest };
}

/** The release as it was written, and whether it is led. */
export function printJson(
  { opening, remarks }: Prepared,
  release: Release,
  awaited: Awaited | undefined,
  invocation: Invocation,
): void {
  const json = {
    ...{ written: true, code: "started", ...opening.target },
    rollout: { before: opening.before, after: release.wrote[0] },
    ...{ release: releaseField(release), leaders: awaited?.kind === "led" ? awaited.leaders : null, remarks },
    unable: awaited?.kind === "led" || awaited?.kind === "unled" ? awaited.unable : null,
    isLed: awaited?.kind === "led" ? true : awaited?.kind === "unled" ? false : null,
    exit: EXITS[awaited?.kind === "unled" ? "unled" : "ok"].status,
  };
  print(invocation, json, () => "");
}
