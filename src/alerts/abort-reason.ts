/** The reason and the author of an abort by alerts, as the record keeps them. Pure. */

import { ALERT_AUTHOR } from "../overview/abort-reasons.ts";
import { oneLine } from "../text/one-line.ts";
import type { AbortAlert } from "./read-alerts.ts";

/** A record has little room, so a longer list of alerts is cut, and so is a longer name. */
const NAMES_MAX = 3;
const NAME_LENGTH_MAX = 48;

/** `alert CheckoutErrors fired (receiver release-abort)`. */
export function abortReasonText(alerts: readonly AbortAlert[], receiver: string): string {
  const names = [...new Set(alerts.map(({ name }) => short(name)))];
  const shown = names.slice(0, NAMES_MAX).join(", ");
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : "";
  const word = names.length === 1 ? "alert" : "alerts";
  return `${word} ${shown}${more} fired (receiver ${short(receiver)})`;
}

/**
 * `alertmanager:release-abort@web-1`. The name of a person has no colon, so an operator cannot pass for an
 * alert.
 */
export function alertAuthor(receiver: string, host: string): string {
  const safe = receiver.replaceAll(/[^\w.-]/g, "_").slice(0, NAME_LENGTH_MAX);
  return `${ALERT_AUTHOR}${safe}@${host}`;
}

function short(name: string): string {
  return oneLine(name.slice(0, NAME_LENGTH_MAX).toWellFormed());
}
