/**
 * The flags that lead another command to the same store. The program prints commands for an operator to
 * paste. Without these flags, a pasted command would write the store of the configuration file, or the
 * default one.
 */

import { resolve } from "node:path";
import { configFile } from "../config/config-file.ts";
import { type Option, type Origin, Problem, type Settings } from "../config/option.ts";
import { resolveStore } from "../stores/list.ts";
import { redactAddress } from "../text/redact.ts";
import { region, store, table } from "./options.ts";

/** Words of a command line: a flag and its value by turns. */
export type StoreFlags = readonly string[];

/** The command is pasted into the shell that has the environment of the one before. */
const OF_COMMANDS: ReadonlySet<Origin["source"]> = new Set(["flag"]);

/** Operators read a daemon's words in a shell that does not have the daemon's environment. */
const OF_DAEMONS: ReadonlySet<Origin["source"]> = new Set(["flag", "environment"]);

/** For the commands that a command prints. */
export function storeFlagsOf(settings: Settings): StoreFlags {
  return flagsFrom(settings, OF_COMMANDS);
}

/** For the commands that a daemon prints: in its log, its notices, and its state. */
export function daemonStoreFlags(settings: Settings): StoreFlags {
  return flagsFrom(settings, OF_DAEMONS);
}

function flagsFrom(settings: Settings, sources: ReadonlySet<Origin["source"]>): StoreFlags {
  const given = <T>(option: Option<T>, text: (value: T) => string): string[] => {
    const { source } = settings.origin(option);
    const value = text(settings.get(option));
    // The quickstart has a default of its own, which no other command has.
    const isOwnDefault = source === "default" && option.defaultText !== undefined;
    const isGiven = sources.has(source) || (isOwnDefault && settings.get(option) !== option.defaultText);
    return isGiven ? [`-${option.name}`, value] : [];
  };
  return [
    ...given(configFile, (path) => (path === null ? "none" : resolve(path))),
    ...given(store, pastedAddress),
    ...given(table, (name) => name),
    ...given(region, (name) => name),
  ];
}

/**
 * An address for any directory, without its secrets. `***` in their place is refused by `-store`, so the
 * command never writes another store.
 */
function pastedAddress(address: string): string {
  const resolved = resolveStore(address);
  if (resolved instanceof Problem) return redactAddress(address);
  const { kind, location } = resolved;
  if (kind.name === "file") return `file:${resolve(location)}`;
  return address.startsWith(".") ? resolve(address) : redactAddress(address);
}
