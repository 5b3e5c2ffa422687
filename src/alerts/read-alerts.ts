/**
 * Reads the body of Alertmanager's webhook, version 4. Pure.
 *
 * An alert aborts only if a label of its own asks for that. A label `application` would not do: the alerts of
 * integrations/prometheus/rules.yml have it too, and a release must not end because it is paused.
 */

import { isVersion } from "../circle.ts";
import { Problem } from "../config/option.ts";
import { shortName } from "./short-name.ts";

/** The label that names the application whose release ends. */
export const ABORT_LABEL = "maxwells_daemon_abort";

/** The labels that narrow it to one version, or to one release. Both may be absent. */
export const VERSION_LABEL = "maxwells_daemon_version";
export const KEY_LABEL = "maxwells_daemon_key";

/** The version of Alertmanager's body. All of its releases since 0.6 send this one. */
const BODY_VERSION = "4";

/** An alert that fires, and asks for an abort. */
export interface AbortAlert {
  readonly name: string;
  readonly application: string;
  /** Undefined for each version with a release. */
  readonly version: string | undefined;
  /** The key of the release; undefined for the one that is there. */
  readonly key: string | undefined;
  /** By the clock of Prometheus: milliseconds since 1970. */
  readonly beganAtMs: number;
  /** The same for the same labels. */
  readonly fingerprint: string;
}

export interface Alerts {
  /** The name of the receiver in Alertmanager's configuration. */
  readonly receiver: string;
  readonly aborts: readonly AbortAlert[];
  /** Alerts that fire, and do not ask for an abort. */
  readonly others: number;
}

/** @returns a problem if the body is not Alertmanager's, or an alert that asks for an abort is not whole */
export function readAlerts(body: string): Alerts | Problem {
  const { version, receiver, alerts } = fieldsOf(parsed(body));
  if (version !== BODY_VERSION || typeof receiver !== "string" || !Array.isArray(alerts)) {
    return new Problem(`this is not a webhook of Alertmanager, version ${BODY_VERSION}`);
  }
  const firing = alerts.map(fieldsOf).filter(({ status }) => status === "firing");
  const aborts: AbortAlert[] = [];
  for (const alert of firing) {
    const read = readAbort(alert);
    if (read instanceof Problem) return read;
    if (read !== undefined) aborts.push(read);
  }
  return { receiver, aborts, others: firing.length - aborts.length };
}

/** @returns undefined if the alert does not ask for an abort */
function readAbort(alert: Fields): AbortAlert | Problem | undefined {
  const labels = fieldsOf(alert["labels"]);
  const application = textIn(labels, ABORT_LABEL);
  if (application === undefined) return undefined;
  const name = textIn(labels, "alertname") ?? "without a name";
  const version = textIn(labels, VERSION_LABEL);
  if (version !== undefined && !isVersion(version)) {
    return new Problem(
      `the label ${VERSION_LABEL} of the alert ${shortName(name)} cannot be the name of a version`,
    );
  }
  const beganAtMs = Date.parse(textIn(alert, "startsAt") ?? "");
  if (Number.isNaN(beganAtMs)) {
    return new Problem(`the alert ${shortName(name)} does not say when it began (startsAt)`);
  }
  const fingerprint = textIn(alert, "fingerprint") ?? name;
  return { name, application, version, key: textIn(labels, KEY_LABEL), beganAtMs, fingerprint };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** An empty label is an absent one, as in Prometheus. */
function textIn(fields: Fields, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof value === "string" && value !== "" ? value : undefined;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
