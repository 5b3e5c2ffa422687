/** Runs another command of this program, with the settings of the demo alone. */

import { readFileSync } from "node:fs";
import { loadSettings, Problems } from "../../../config/load.ts";
import { storeFlagsOf } from "../../../settings/store-flags.ts";
import type { Command, Invocation } from "../../command.ts";
import { CliError } from "../../exit.ts";

/** Rejects with a `CliError` if the command does not do what it should. Its output is then in the message. */
export async function call(
  command: Command,
  argv: readonly string[],
  { io, program }: Pick<Invocation, "io" | "program">,
): Promise<void> {
  const sources = { argv, environment: {}, readFile: (path: string) => readFileSync(path, "utf8") };
  const reread = () =>
    loadSettings(sources, { options: command.options, tables: command.tables ?? [], known: command.options });
  const loaded = reread();
  if (loaded instanceof Problems) throw new CliError("failed", loaded.messages.join("; "));
  const { settings, positionals } = loaded;
  let said = "";
  const heard = {
    write(text: string) {
      said += text;
    },
  };
  const status = await command.run({
    ...{ settings, reread, positionals, program, storeFlags: storeFlagsOf(settings) },
    io: { env: io.env, stdout: heard, stderr: heard },
  });
  if (status !== 0) throw new CliError("failed", `${command.name} has failed: ${said.trim()}`);
}
