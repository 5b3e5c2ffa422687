/** A change that was not written, as the error of a command. The words are those of all programs. */

import type { Change } from "../../records/change.ts";
import type { Unwritten } from "../../records/write.ts";
import type { StoreFlags } from "../../settings/store-flags.ts";
import type { Store, StoreError } from "../../stores/store.ts";
import { type Changing, failedChangeWords, unwrittenChangeWords } from "../../verbs/change-words.ts";
import type { CliError } from "../exit.ts";
import { errorFor } from "../releases/say.ts";
import { applicationHint } from "./application-hint.ts";

/** The error that a change ends with if it was not written. */
export async function errorOf(
  outcome: Unwritten,
  change: Changing,
  store: Store,
  storeFlags: StoreFlags,
): Promise<CliError> {
  const isUnknown = outcome.kind === "refused" && outcome.refusal.code === "no-application";
  const hint = isUnknown ? await applicationHint(store, change.application) : "";
  const cause = outcome.kind === "failed" || outcome.kind === "unsure" ? outcome.error : undefined;
  return errorFor(unwrittenChangeWords(outcome, change, { store, storeFlags, hint }), cause);
}

/** The error if the store failed before anything was written. */
export function unwrittenError(error: StoreError, change: Change): CliError {
  return errorFor(failedChangeWords(error, change), error);
}
