/** The places from which a command reads its settings: flags, the environment, and a file. */

import { readFileSync } from "node:fs";
import type { Sources } from "../config/load.ts";
import { readTrustedFile } from "../config/trusted-file.ts";
import type { Command, Io } from "./command.ts";

export function sourcesOf(argv: readonly string[], io: Io, { defaults }: Command): Sources {
  return {
    argv,
    environment: io.env,
    readFile: (path, isDefault) => (isDefault ? readTrustedFile(path) : readFileSync(path, "utf8")),
    // A command that brings defaults of its own, such as the quickstart, is not about the daemon of this machine.
    defaultFile: defaults === undefined ? io.defaultConfigFile : undefined,
  };
}
