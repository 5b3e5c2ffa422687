/** Makes what a store needs before its first record, such as a table. */

import type { Command } from "./command.ts";
import { EXITS } from "./exit.ts";
import { output, plainText, print } from "./output.ts";
import { STORE_OPTIONS, withStore } from "./rollouts.ts";

export const initStore: Command = {
  name: "init-store",
  summary: "make what a store needs, such as its table",
  description: "It may be repeated, and changes nothing that is there.",
  positionals: [],
  options: [...STORE_OPTIONS, output],
  examples: [{ line: "init-store -store dynamodb://us-east-1/MaxwellsDaemon", meaning: "the table" }],

  async run(invocation) {
    const { settings, io } = invocation;
    const outcome = await withStore(settings, io, async (store, signal) => ({
      store: store.address,
      done: (await store.init?.(signal)) ?? "it needs nothing",
    }));
    print(invocation, outcome, () => `${plainText(outcome.store)}: ${plainText(outcome.done)}\n`);
    return EXITS.ok.status;
  },
};
