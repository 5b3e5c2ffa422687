/**
 * The daemon's own options. A server, a lease or a monitor has its options in its own file.
 * `daemon/all-options.ts` has all of them.
 */

import { configFile } from "../config/config-file.ts";
import { type Option, Problem, type Settings } from "../config/option.ts";
import { orNone, parseDuration, parseSwitch, single } from "../config/values.ts";
import { resolveStore, STORES } from "../stores/list.ts";
import { application } from "./application.ts";

function parsePositiveDuration(text: string): number | Problem {
  const ms = parseDuration(text);
  return typeof ms === "number" && (ms < 10 || ms > 86_400_000)
    ? new Problem("write a duration from 10ms to 24h")
    : ms;
}

/** Addresses in the help of every command. The addresses of all kinds would fill a screen. */
const EXAMPLES = STORES.slice(0, 2).map(({ usage }) => usage);

export const store = single(
  {
    name: "store",
    placeholder: "ADDRESS",
    summary: `the address of the store, such as ${EXAMPLES.join(" or ")}; the command "help stores" shows all kinds`,
    defaultText: "dynamodb:",
  },
  (text) => {
    const resolved = resolveStore(text);
    return resolved instanceof Problem ? resolved : text;
  },
);

export const table = single(
  {
    name: "table",
    placeholder: "NAME",
    summary: "the DynamoDB table, if -store names none",
    defaultText: "MaxwellsDaemon",
  },
  (text) =>
    /^[A-Za-z0-9_.-]{3,255}$/.test(text)
      ? text
      : new Problem("write a table's name: 3 to 255 letters, digits, dots, dashes, underscores"),
);

export const region = single(
  {
    name: "region",
    placeholder: "REGION",
    summary: "the AWS region, if -store names none",
    defaultText: "us-east-1",
  },
  (text) =>
    /^[a-z0-9-]{1,64}$/.test(text) ? text : new Problem("write the name of a region, such as us-east-1"),
);

export const delay = single(
  {
    name: "delay",
    placeholder: "DURATION",
    summary: "the time between two reads of the store",
    defaultText: "4s",
  },
  parsePositiveDuration,
);

export const unhealthy = single(
  {
    name: "unhealthy",
    placeholder: "DURATION",
    summary:
      "the longest time without a successful read; then all visitors go to master, except those of failsafe hold",
    defaultText: "8s",
  },
  parsePositiveDuration,
);

/**
 * The age, in milliseconds, at which a table becomes stale. If only `-delay` was given, a shorter default
 * must not count: in 2016 a long delay alone was enough.
 */
export function unhealthyMs(settings: Pick<Settings, "get" | "isNamed">): number {
  return settings.isNamed(unhealthy)
    ? settings.get(unhealthy)
    : Math.max(settings.get(unhealthy), 2 * settings.get(delay));
}

export const stateDir = single(
  {
    name: "state-dir",
    placeholder: "PATH",
    summary: "the directory of maintenance files and of the last good snapshot",
    defaultText: "/var/lib/maxwells-daemon",
  },
  orNone((text) => (text === "" ? new Problem("write a directory, or none") : text)),
);

export const logfile = single(
  {
    name: "logfile",
    placeholder: "PATH",
    summary: "a file that gets the log as well as stderr; SIGHUP opens it again; none for stderr alone",
    defaultText: "/var/log/maxwells-daemon.log",
  },
  // To many programs `-` means stdout. The daemon always logs to stderr, so `none` is the likely wish.
  orNone((text) =>
    text === "" || text === "-"
      ? new Problem(
          "write the path of a file, or none for a log on stderr alone (./- is a file of that name)",
        )
      : text,
  ),
);

export const logFormat = single(
  {
    name: "log-format",
    placeholder: "text|json",
    summary: "the format of the log",
    defaultText: "text",
  },
  (text) => (text === "text" || text === "json" ? text : new Problem("write text or json")),
);

export const allowForce = single(
  {
    name: "allow-force",
    summary: "let requests force their location, for testers",
    defaultText: "false",
  },
  parseSwitch,
);

export const releases = single(
  {
    name: "releases",
    placeholder: "on|off",
    summary:
      "whether this daemon leads releases: it advances them by their plans, and needs to write the store",
    defaultText: "off",
  },
  (text) => {
    const isOn = parseSwitch(text);
    return isOn instanceof Problem ? new Problem("write on or off") : isOn;
  },
);

/**
 * The name of a daemon is the author of records, and part of lines of the log. It has no @, because the name
 * of a person has one.
 */
export const NAME_LENGTH_MAX = 64;
export const NAME = /^(?:(?!@)[\p{L}\p{N}\p{P}\p{S}]){1,64}$/u;

/** Null: the name of the host. */
export const name: Option<string | null> = single<string | null>(
  {
    name: "name",
    placeholder: "NAME",
    summary: "the name of this daemon among those that lead releases; by default the name of the host",
    absent: null,
  },
  (text) =>
    NAME.test(text)
      ? text
      : new Problem(`write a name of at most ${NAME_LENGTH_MAX} printable characters, without spaces and @`),
);

/** The daemon's own options, in the order of its help. */
export const OWN_OPTIONS: readonly Option<unknown>[] = [
  application,
  store,
  table,
  region,
  delay,
  unhealthy,
  stateDir,
  logfile,
  logFormat,
  allowForce,
  releases,
  name,
  configFile,
];
