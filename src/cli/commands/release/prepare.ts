/**
 * All that must be true before a release starts: the words of the person, the settings, and the record as the
 * first look shows it. A person who has several mistakes in one line meets them in one answer.
 */

import { CANARY, isVersion, MAINTENANCE } from "../../../circle.ts";
import { traefikListen } from "../../../leases/traefik.ts";
import { move } from "../../../releases/machine.ts";
import { plans } from "../../../releases/named-plans.ts";
import type { Request } from "../../../releases/request.ts";
import { store as storeOption } from "../../../settings/options.ts";
import type { StoreFlags } from "../../../settings/store-flags.ts";
import { resolveStore } from "../../../stores/list.ts";
import { type Store, StoreError } from "../../../stores/store.ts";
import { type ChosenPlan, choosePlan, type PlanChoice } from "../../../verbs/chosen-plan.ts";
import { drawKey } from "../../../verbs/draw-key.ts";
import { type Looked, look } from "../../../verbs/look.ts";
import { startOf, startProblems, startRemarks, type Wish } from "../../../verbs/start.ts";
import { readOnlyWords, wordsOf } from "../../../verbs/words.ts";
import { type Invocation, PROGRAM } from "../../command.ts";
import { CliError } from "../../exit.ts";
import { errorOf } from "../../records/change-error.ts";
import { isNew, message } from "../../records/change-options.ts";
import { errorFor } from "../../releases/say.ts";
import { inTime } from "../../with-store.ts";
import { of, replace } from "./options.ts";
import type { Opening } from "./start-text.ts";

export type StartRequest = Extract<Request, { readonly verb: "release" }>;

export interface Prepared {
  readonly opening: Opening;
  /** For the state of the first look. */
  readonly request: StartRequest;
  readonly remarks: readonly string[];
  /** All that is wrong; undefined if the release can begin. */
  readonly error: CliError | undefined;
}

/** Rejects with a `CliError` if too much is missing to show what would be. */
export async function prepare(store: Store, application: string, invocation: Invocation): Promise<Prepared> {
  const { settings, positionals, io, storeFlags } = invocation;
  const target = { application, version: positionals[0] ?? CANARY };
  const choice = choosePlan(positionals[1], settings.get(plans));
  const chosen = choice.kind === "plan" ? choice.plan : undefined;
  const wish: Wish = {
    ...{ version: target.version, of: settings.get(of), plan: chosen },
    isDynamodb: isDynamodb(settings.get(storeOption)),
    hasSlices: settings.get(traefikListen) !== null,
  };
  const usage = [...planProblems(choice), ...startProblems(wish)];
  const looked = await inTime(store, io, (signal) => look(store, target, signal)).catch((error) => {
    // The mistakes in the line can be mended without the store.
    throw usage.length > 0 && error instanceof StoreError ? problemsError(usage, []) : error;
  });
  const isName = isVersion(target.version) && target.version !== MAINTENANCE;
  const isUnknown = isName && looked.record === undefined && !settings.get(isNew);
  const unknown = isUnknown ? await unknownError(looked, store, storeFlags) : undefined;
  if (chosen === undefined || wish.of === undefined) throw problemsError(usage, [unknown]);
  const request = requestFor(looked, wish.of, chosen, invocation);
  const opening: Opening = {
    ...{ target, id: request.start.id, of: wish.of, chosen, before: looked.now.rollout, storeFlags },
  };
  const hasProblem = usage.length > 0 || unknown !== undefined;
  const refused = [unknown, refusedError(looked, request, store, storeFlags)];
  return {
    ...{ opening, request, remarks: startRemarks(wish) },
    error:
      hasProblem || refused.some((each) => each !== undefined) ? problemsError(usage, refused) : undefined,
  };
}

function requestFor(
  { snapshot, now: { found } }: Looked,
  name: string,
  chosen: ChosenPlan,
  { settings }: Invocation,
): StartRequest {
  const start = startOf(name, chosen, snapshot, { key: drawKey, random: Math.random });
  const seenKey =
    found.kind === "release" ? found.release.key : found.kind === "none" ? null : (found.key ?? null);
  return { verb: "release", start, replace: settings.get(replace), seenKey, reason: settings.get(message) };
}

/** The machine's answer to the first look, if it refuses. */
function refusedError(
  looked: Looked,
  request: StartRequest,
  store: Store,
  storeFlags: StoreFlags,
): CliError | undefined {
  if (store.write === undefined) return errorFor(readOnlyWords(store.address));
  const outcome = move(looked.now, request, { nowMs: 0, tx: request.start.key, author: "" });
  if (outcome.kind !== "refused") return undefined;
  const { code, facts } = outcome;
  const about = { target: looked.target, request, address: store.address, storeFlags };
  return errorFor(wordsOf({ kind: "refused", looked, code, facts }, about));
}

/** A name that is not there is more likely a misspelling than a new one. */
function unknownError({ snapshot, target }: Looked, store: Store, storeFlags: StoreFlags): Promise<CliError> {
  const refusal =
    snapshot.size === 0
      ? ({ code: "no-application" } as const)
      : ({ code: "no-version", versions: [...snapshot.keys()] } as const);
  return errorOf({ kind: "refused", refusal }, { ...target, rollout: 0 }, store, storeFlags);
}

function planProblems(choice: PlanChoice): string[] {
  switch (choice.kind) {
    case "plan":
      return [];
    case "no-such-plan":
      return [choice.message];
    case "problems":
      return choice.problems.problems.map(({ column, message: text }) => `plan, column ${column}: ${text}`);
  }
}

/** One error for all problems. A single refusal keeps its own status and remedy. */
function problemsError(usage: readonly string[], refusals: readonly (CliError | undefined)[]): CliError {
  const others = refusals.filter((each) => each !== undefined);
  const [only] = others;
  if (usage.length === 0 && others.length === 1 && only !== undefined) return only;
  const all = [...usage, ...others.map(({ message: text }) => text.replace(/; nothing was written$/, ""))];
  const count = all.length === 1 ? "1 problem" : `${all.length} problems`;
  const list = all.map((problem) => `\n  ${problem}`).join("");
  const code = usage.length > 0 ? "usage" : (only?.code ?? "failed");
  return new CliError(code, `${count}; nothing was written${list}`, `read ${PROGRAM} help release`);
}

function isDynamodb(address: string): boolean {
  const resolved = resolveStore(address);
  return "kind" in resolved && resolved.kind.name === "dynamodb";
}
