/** Makes what a store needs before its first record, such as a table. */

import { store } from "../../settings/options.ts";
import { oneLine } from "../../text/one-line.ts";
import type { Command } from "../command.ts";
import { EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { STORE_OPTIONS, withOpened } from "../with-store.ts";

/** Some engines say that a table is made long before it is. */
const INIT_TIMEOUT_MS = 90_000;

export const initStore: Command = {
  name: "init-store",
  summary: "make what a store needs, such as its table",
  description: "It may be repeated, and leaves everything as it is that is there already.",
  positionals: [],
  options: [...STORE_OPTIONS, output],
  examples: [{ line: "init-store -store dynamodb://us-east-1/MaxwellsDaemon", meaning: "makes the table" }],

  async run(invocation) {
    const { settings, io } = invocation;
    const address = settings.get(store);
    const outcome = await withOpened(address, settings, io, INIT_TIMEOUT_MS, async (opened, signal) => ({
      store: opened.address,
      done: (await opened.init?.(signal)) ?? "it needs nothing",
    }));
    print(invocation, outcome, () => `${oneLine(outcome.store)}: ${oneLine(outcome.done)}\n`);
    return EXITS.ok.status;
  },
};
