/**
 * Runs a verb of a person on the release of a version: chooses the version, carries the verb out, and finds
 * the words. `src/verbs` decides all of it; here are the store and the flags.
 */

import { isVersion } from "../../circle.ts";
import { releaseIn } from "../../records/release-in.ts";
import { releaseField } from "../../releases/release-field.ts";
import type { Pin, Request } from "../../releases/request.ts";
import { application } from "../../settings/application.ts";
import { type Store, StoreError } from "../../stores/store.ts";
import { quote } from "../../text/quote.ts";
import { carryOut, type VerbOutcome } from "../../verbs/carry-out.ts";
import { commandLine } from "../../verbs/command-line.ts";
import type { Looked, Target } from "../../verbs/look.ts";
import { meantVersions } from "../../verbs/meant-version.ts";
import { readOnlyWords, unwrittenWords, type Words, wordsOf } from "../../verbs/words.ts";
import { LOOK_AGAIN_MS } from "../../verbs/write-release.ts";
import type { Invocation, Positional } from "../command.ts";
import { CliError } from "../exit.ts";
import { output } from "../output.ts";
import { oneOfText } from "../records/application-hint.ts";
import { errorOf } from "../records/change-error.ts";
import { message } from "../records/change-options.ts";
import { STORE_OPTIONS, withStore } from "../with-store.ts";
import { carryingFor } from "./carrying.ts";
import { errorFor } from "./say.ts";

export const VERSION_MEANT: Positional = {
  name: "VERSION",
  summary: "the version; not needed if only one has a release",
  required: false,
};

/** The flags of each verb. */
export const VERB_OPTIONS = [application, message, ...STORE_OPTIONS, output] as const;

export const VERB_SUMMARIES = { application: "the application of the release" };

/** A verb, and its request. */
export interface Verb {
  readonly name: Request["verb"];
  /** The request for the first look. `reason` is the text of `-m`. */
  ask(looked: Looked, reason: string | undefined): Request;
  /**
   * The part of `skipped` that other people have set, such as a freeze. The history of the record keeps it.
   * Undefined if there is none.
   */
  overridden?(target: Target, store: Store, signal: AbortSignal): Promise<string | undefined>;
  /** For the words of a write: the result of `skippedText`. */
  skipped?(looked: Looked, atMs: number, store: Store, signal: AbortSignal): Promise<string>;
}

export interface Done {
  readonly target: Target;
  readonly request: Request;
  readonly outcome: VerbOutcome;
  readonly words: Words;
  /** For a program, with `-output json`. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Rejects with a `CliError` if the verb is not done. */
export function runVerb(invocation: Invocation, verb: Verb): Promise<Done> {
  const { settings, io } = invocation;
  return withStore(
    settings,
    io,
    async (store, signal) => {
      const target = await targetOf(invocation, verb, store, signal);
      return doVerb(verb, target, invocation, store, signal);
    },
    LOOK_AGAIN_MS,
  ).catch((error) => {
    throw error instanceof StoreError ? errorFor(unwrittenWords(error, { verb: verb.name })) : error;
  });
}

async function doVerb(
  verb: Verb,
  target: Target,
  { settings, io, storeFlags }: Invocation,
  store: Store,
  signal: AbortSignal,
): Promise<Done> {
  const reason = settings.get(message);
  let request: Request | undefined;
  const ask = (looked: Looked) => {
    request = verb.ask(looked, reason);
    return request;
  };
  const overridden = store.write === undefined ? undefined : await verb.overridden?.(target, store, signal);
  const why = [reason, overridden].filter((text) => text !== undefined).join("; ");
  const carrying = carryingFor(store, io, why === "" ? undefined : why, signal);
  const outcome = await carryOut(target, ask, carrying);
  if (request === undefined) throw errorFor(readOnlyWords(store.address));
  const isWritten = outcome.kind === "written" && outcome.release !== null;
  const skipped = isWritten
    ? await verb.skipped?.(outcome.looked, Date.parse(outcome.release.since), store, signal)
    : undefined;
  const about = { target, request, address: store.address, storeFlags };
  const words = wordsOf(outcome, skipped === undefined ? about : { ...about, skipped });
  return { target, request, outcome, words, json: jsonOf(outcome, target, store) };
}

/** The one version of the one application. Throws if it is none, or more than one. */
async function targetOf(
  { settings, positionals, storeFlags }: Invocation,
  { name }: Verb,
  store: Store,
  signal: AbortSignal,
): Promise<Target> {
  const names = settings.get(application);
  const [own = "", ...others] = names;
  if (others.length > 0) {
    const remedy = `${oneOfText(names)}; nothing was written`;
    throw new CliError("usage", `${name} is about one application at a time`, remedy);
  }
  const [named] = positionals;
  if (named !== undefined && !isVersion(named)) {
    throw new CliError("usage", `${quote(named)} cannot be a version; nothing was written`);
  }
  const snapshot = await store.read(own, signal);
  const version = named ?? CHOSEN;
  const refuse = (refusal: Parameters<typeof errorOf>[0]) =>
    errorOf(refusal, { application: own, version }, store, storeFlags);
  if (snapshot.size === 0) throw await refuse({ kind: "refused", refusal: { code: "no-application" } });
  if (named !== undefined) {
    if (snapshot.has(named)) return { application: own, version: named };
    const versions = [...snapshot.keys()];
    throw await refuse({ kind: "refused", refusal: { code: "no-version", versions } });
  }
  const [only = "", ...more] = meantVersions(snapshot);
  if (more.length === 0) return { application: own, version: only };
  throw new CliError(
    "usage",
    `${own} has ${more.length + 1} versions that may be meant; nothing was written`,
    [
      "name one:",
      ...[only, ...more].map((each) => {
        const words = stepWords(name, snapshot.get(each)?.value);
        return `  ${commandLine(storeFlags, own, name, each, ...words)}`;
      }),
    ].join("\n  "),
  );
}

/** A verb that goes a step forward is pinned to the step that was seen. */
function stepWords(verb: Request["verb"], value: unknown): readonly string[] {
  const found = releaseIn(value);
  return verb === "promote" && found.kind === "release" ? ["-expect-step", String(found.release.step)] : [];
}

/** Stands for the version until one is chosen. */
const CHOSEN = "the release";

function jsonOf(
  outcome: VerbOutcome,
  { application: name, version }: Target,
  { address }: Store,
): Readonly<Record<string, unknown>> {
  const about = { application: name, version, store: address };
  if (outcome.kind === "written") {
    const { looked, rollout, release, notice, conflicts } = outcome;
    return {
      ...{ written: true, code: notice, ...about, conflicts },
      rollout: { before: looked.now.rollout, after: rollout },
      release: release === null ? null : releaseField(release),
    };
  }
  if (outcome.kind !== "unchanged") return about;
  const { found, rollout } = outcome.looked.now;
  return {
    ...{ written: false, code: outcome.code, ...about, rollout: { before: rollout, after: rollout } },
    release: found.kind === "release" ? releaseField(found.release) : null,
  };
}

/** The pin of a verb that may raise. Without a release there is nothing to pin, and the machine says so. */
export function pinOf({ now: { found } }: Looked, step?: number): Pin {
  if (found.kind !== "release") return { key: "", step: step ?? 1 };
  return { key: found.release.key, step: step ?? found.release.step };
}

/** The key of a verb that lowers or stops; undefined for whatever is there. */
export function keyOf({ now: { found } }: Looked): string | undefined {
  return found.kind === "release" ? found.release.key : undefined;
}
