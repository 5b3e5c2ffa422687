/** The reason and the author of an abort by alerts, as the record keeps them. Pure. */

import { ALERT_AUTHOR } from "../overview/abort-reasons.ts";
import type { AbortAlert } from "./read-alerts.ts";
import { NAME_LENGTH_MAX, shortName } from "./short-name.ts";

/** A longer list of alerts is cut, because a record and a line of the log have little room. */
const NAMES_MAX = 3;

/** `alert CheckoutErrors fired (receiver release-abort)`. */
export function abortReasonText(alerts: readonly AbortAlert[], receiver: string): string {
  const names = distinctNames(alerts);
  const word = names.length === 1 ? "alert" : "alerts";
  return `${word} ${listed(names)} fired (receiver ${shortName(receiver)})`;
}

/** The names of the alerts in a short, safe line: `A, B, C and 4 more`. */
export function alertNames(alerts: readonly AbortAlert[]): string {
  return listed(distinctNames(alerts));
}

/**
 * `alertmanager:release-abort@web-1`. The name of a person has no colon, so an operator cannot pass for an
 * alert.
 */
export function alertAuthor(receiver: string, host: string): string {
  const safe = receiver.replaceAll(/[^\w.-]/g, "_").slice(0, NAME_LENGTH_MAX);
  return `${ALERT_AUTHOR}${safe}@${host}`;
}

function distinctNames(alerts: readonly AbortAlert[]): readonly string[] {
  return [...new Set(alerts.map(({ name }) => shortName(name)))];
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_MAX).join(", ");
  return names.length > NAMES_MAX ? `${shown} and ${names.length - NAMES_MAX} more` : shown;
}
