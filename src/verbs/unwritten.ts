/** A verb that wrote nothing, and the parts of sentences about it. Pure. */

import { asSettled } from "../releases/foreign.ts";
import type { Release } from "../releases/release.ts";
import type { RefusedFacts, Request } from "../releases/request.ts";
import { releaseName, stepPlace } from "../releases/sentence.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import { rolloutText } from "../text/amounts.ts";
import { quote } from "../text/quote.ts";
import { commandLine } from "./command-line.ts";
import type { Looked } from "./look.ts";

/** A verb that wrote nothing. */
export interface Unwritten {
  readonly looked: Looked;
  readonly request: Request;
  readonly facts: RefusedFacts;
  readonly storeFlags: StoreFlags;
}

/** A command that a person can type for this application, with these words behind the verb. */
export function line({ looked, storeFlags }: Unwritten, verb: string, ...words: readonly string[]): string {
  return commandLine(storeFlags, looked.target.application, verb, ...words);
}

/** `canary of website`. */
export function whatOf({ looked }: Unwritten): string {
  return `${looked.target.version} of ${looked.target.application}`;
}

/** The release as a foreign write leaves it, also if no controller has seen that write yet. */
function releaseOf({ looked }: Unwritten): Release | undefined {
  const { now } = looked;
  return now.found.kind === "release" ? asSettled(now, now.found.release) : undefined;
}

/** The release, with its name if it is known. */
export function nameOf(of: Unwritten): string {
  const release = releaseOf(of);
  return release === undefined
    ? `the release of ${whatOf(of)}`
    : releaseName(of.looked.target.application, release);
}

/** The state of the release, such as `running`. */
export function stateOf(of: Unwritten): string {
  return releaseOf(of)?.state ?? "there";
}

/** `at step 2/5, canary at 5%`. */
export function placeText(of: Unwritten): string {
  const release = releaseOf(of);
  const at = release === undefined ? "" : `at ${stepPlace(release)}, `;
  return `${at}${of.looked.target.version} at ${rolloutText(of.looked.now.rollout)}`;
}

/** A version may have visitors although no release leads it, or while one that is over fades. */
export function visitorsText(of: Unwritten): string {
  const { now, target } = of.looked;
  if (now.rollout === 0) return "";
  const share = rolloutText(now.rollout);
  return isFading(of)
    ? `, and still fades: ${target.version} is at ${share}`
    : `, and ${target.version} stays at ${share}`;
}

/** How to take back the visitors, if there are any. */
export function takeBack(of: Unwritten): { readonly remedy?: string } {
  if (of.looked.now.rollout === 0) return {};
  return { remedy: `to take everyone back: ${wayBack(of)}` };
}

/** Whether the release is over, and its visitors leave slowly. */
export function isFading(of: Unwritten): boolean {
  return releaseOf(of)?.fade !== undefined;
}

/** The command that takes the visitors of a release that is over, or of none, to master. */
export function wayBack(of: Unwritten): string {
  return isFading(of) ? line(of, "abort") : line(of, "set", of.looked.target.version, "0%");
}

/** The name that the operator gave for the content of the release. */
export function ofText(of: Unwritten): string {
  return releaseOf(of)?.of ?? "another name";
}

/** The two ways out of a promoted release. */
export function finishOrUndo(of: Unwritten): { readonly remedy: string } {
  return {
    remedy:
      `when master's servers run ${ofText(of)} too: ${line(of, "finish", "-deployed", ofText(of))}\n` +
      `to take everyone back: ${line(of, "undo")}`,
  };
}

/** The deployment that a release needs before it is finished. */
export function deployOrder(of: Unwritten): string {
  return (
    `first deploy ${ofText(of)} to master's servers, while ${of.looked.target.version} serves everyone;\n` +
    `then run ${line(of, "finish", "-deployed", ofText(of))}`
  );
}

/** `, and not of v42`: the name that the operator typed instead; empty for other verbs than finish. */
export function deployedText({ request }: Unwritten): string {
  return request.verb === "finish" ? `, and not of ${request.deployed}` : "";
}

/** The way to the next step. It is pinned to the step that was seen, so that it does not go two steps. */
export function nextStepLine(of: Unwritten): string {
  const { state, step = 1 } = releaseOf(of) ?? {};
  return line(of, "promote", ...(state === "paused" ? ["-resume"] : []), "-expect-step", String(step));
}

/** The ways on for a release that is not promoted. */
export function notPromoted(of: Unwritten): string {
  const { state, from } = releaseOf(of) ?? {};
  const on = state === "paused" && from === "promoted" ? line(of, "resume") : nextStepLine(of);
  return `to go on: ${on}\nto take everyone back: ${line(of, "abort")}`;
}

/** The step that the caller expected. */
export function pinnedStep({ request }: Unwritten): string {
  return "pin" in request ? String(request.pin.step) : "?";
}

/** The share of the next step. */
export function foundShare({ facts }: Unwritten): string {
  return typeof facts.found === "number" ? rolloutText(facts.found) : "another one";
}

/** The flag by which the operator asked for the way out of a pause too; none for other requests. */
export function resumeFlag({ request }: Unwritten): readonly string[] {
  return request.verb === "promote" && request.resume ? ["-resume"] : [];
}

/** `, and not 5%`: the share that the operator typed; empty if none. */
export function wantedShare({ request }: Unwritten): string {
  return request.verb === "promote" && request.to !== undefined ? `, and not ${rolloutText(request.to)}` : "";
}

/** The fact that this program does not know the plan. */
export function unknownPlanText(of: Unwritten): string {
  return `this program cannot read the plan of ${nameOf(of)}: ${quote(releaseOf(of)?.plan ?? "")}`;
}

/** `the release of canary of website cannot be read: its field "state" is unknown`. */
export function unreadableText(of: Unwritten): string {
  const { found } = of.looked.now;
  if (found.kind !== "problem") return `the release of ${whatOf(of)} cannot be read`;
  const fault = found.code === "malformed" ? "malformed" : "of a newer program";
  return `the release of ${whatOf(of)} cannot be read: its field ${quote(found.field)} is ${fault}`;
}
