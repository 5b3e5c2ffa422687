/** The order of the daemon's flags in help: by what an operator wants to do. */

import type { Option } from "../config/option.ts";

/** Titles with the names of their flags. A flag such as -admin-host belongs to -admin; a test says which one belongs nowhere. */
const GROUPS: readonly (readonly [title: string, names: readonly string[]])[] = [
  ["What to serve", ["application", "store", "table", "region"]],
  ["Where proxies ask", ["socket", "listen", "http", "spop", "socket-mode", "idle-timeout"]],
  [
    "Proxies that decide by themselves",
    ["haproxy-map", "apache-map", "traefik", "traefik-version", "traefik-secure"],
  ],
  ["Safety", ["delay", "unhealthy", "state-dir", "allow-force"]],
  ["What is seen of it", ["admin", "statsd", "logfile", "log-format"]],
  ["Settings", ["config"]],
];

/** A page with fewer flags needs no titles. */
const GROUPED_MIN = 16;

export interface FlagGroup {
  readonly title: string;
  readonly options: readonly Option<unknown>[];
}

/** The flags of a command under titles; flags of its own, and those of a short list, come under `Flags`. */
export function grouped(options: readonly Option<unknown>[]): readonly FlagGroup[] {
  if (options.length < GROUPED_MIN) return options.length === 0 ? [] : [{ title: "Flags", options }];
  const groups = GROUPS.map(([title, names]) => ({
    title,
    options: names.flatMap((name) => options.filter((option) => familyOf(option.name) === name)),
  }));
  const known = new Set(groups.flatMap((group) => group.options));
  const others = options.filter((option) => !known.has(option));
  return [...groups, { title: "Flags", options: others }].filter((group) => group.options.length > 0);
}

/** The name in the groups that a flag belongs to: its own, or the one that its name begins with. */
function familyOf(flag: string): string | undefined {
  const names = GROUPS.flatMap(([, own]) => own);
  if (names.includes(flag)) return flag;
  return names.filter((name) => flag.startsWith(`${name}-`)).sort((a, b) => b.length - a.length)[0];
}
