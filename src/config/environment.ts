/** Options as environment variables: `-idle-timeout` is `MAXWELLS_DAEMON_IDLE_TIMEOUT`. */

import { nearest } from "../text/nearest.ts";
import { quote } from "../text/quote.ts";
import type { Given, Option } from "./option.ts";

export const PREFIX = "MAXWELLS_DAEMON_";

/**
 * Container platforms put the address of a service whose name begins with maxwells-daemon into variables of
 * these names (Docker links, Kubernetes services). They are not misspelt settings.
 */
const SERVICE_ADDRESS = /^MAXWELLS_DAEMON_(.+_)?(SERVICE_(HOST|PORT.*)|PORT(_.*)?|NAME|ENV_.*)$/;

/** The name of an option's environment variable. */
export function environmentName(option: Option<unknown>): string {
  return `${PREFIX}${option.name.replaceAll("-", "_").toUpperCase()}`;
}

/**
 * The texts that the environment gives to an option; undefined if the variable is empty or not set. Commas
 * separate several texts. If a text itself may hold a comma, semicolons do, so that a text means the same
 * here and behind its flag.
 */
export function fromEnvironment(
  option: Option<unknown>,
  environment: Readonly<Record<string, string | undefined>>,
): Given | undefined {
  const name = environmentName(option);
  const text = environment[name];
  if (text === undefined || text === "") return undefined;
  const texts = option.repeatable ? text.split(separatorOf(option)).map((part) => part.trim()) : [text];
  return { texts, origin: { source: "environment", text: `environment ${name}` } };
}

/** The character between several texts of a repeatable option. */
export function separatorOf({ placeholder }: Option<unknown>): "," | ";" {
  return placeholder?.includes(",") ? ";" : ",";
}

/** Reports variables that look like a setting, but name none. */
export function reportEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  known: readonly Option<unknown>[],
  messages: string[],
): void {
  const names = known.map(environmentName);
  for (const name of Object.keys(environment)) {
    if (!name.startsWith(PREFIX) || names.includes(name) || SERVICE_ADDRESS.test(name)) continue;
    messages.push(`environment ${quote(name, "")}: no such setting${nearest(name, names)}`);
  }
}
