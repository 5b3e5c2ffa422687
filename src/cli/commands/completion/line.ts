/** The line that is being typed, and its settings as far as they are right. */

import { statSync } from "node:fs";
import { type LoadedSettings, loadSettings, Problems } from "../../../config/load.ts";
import type { Option, Tables } from "../../../config/option.ts";
import type { Command, Io } from "../../command.ts";
import { sourcesOf } from "../../sources.ts";

export interface Line {
  /** Without the current word. */
  readonly argv: readonly string[];
  readonly command: Command;
  readonly io: Io;
  readonly known: readonly Option<unknown>[];
  readonly knownTables: readonly Tables<unknown>[];
}

/**
 * The settings of the line's command, and those of more options; undefined if one of them is wrong. A pipe or
 * a device is not read, because that could hang.
 */
export function settingsOfLine(
  { argv, command, io, known, knownTables }: Line,
  more: readonly Option<unknown>[] = [],
): LoadedSettings | undefined {
  const { readFile, ...sources } = sourcesOf(argv, io, command);
  const loaded = loadSettings(
    { ...sources, readFile: (path, isDefault) => (statSync(path).isFile() ? readFile(path, isDefault) : "") },
    {
      options: [...new Set([...command.options, ...more])],
      known,
      tables: command.tables ?? [],
      knownTables,
      ...(command.defaults && { defaults: command.defaults }),
    },
  );
  return loaded instanceof Problems ? undefined : loaded.settings;
}
