/** `release -clear NAME -m WHY`: a person clears a sign of the judge, so that the release goes on. */

import type { Invocation } from "../../command.ts";
import { message } from "../../records/change-options.ts";
import { say } from "../../releases/say.ts";
import { keyOf, runVerb } from "../../releases/verb.ts";

export async function clearSign(sign: string, invocation: Invocation): Promise<number> {
  const why = invocation.settings.get(message) ?? "";
  const { words, json } = await runVerb(invocation, {
    name: "clear",
    ask: (looked) => ({ verb: "clear", key: keyOf(looked), sign, why }),
  });
  return say(invocation, words, json);
}
