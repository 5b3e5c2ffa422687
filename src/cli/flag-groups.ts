/** The order of the daemon's flags in help: by the task of an operator. */

import type { Option } from "../config/option.ts";
import { LEASES } from "../leases/list.ts";
import { MONITORS } from "../monitors/list.ts";
import { PAGE_OPTIONS } from "../page/options.ts";
import { SERVERS } from "../servers/list.ts";

/** Titles with the names of their flags. A test finds a flag that has no title. */
const GROUPS: readonly (readonly [title: string, names: ReadonlySet<string>])[] = [
  ["What to serve", new Set(["application", "store", "table", "region"])],
  ["Where to listen", namesOf(SERVERS)],
  ["Proxies that decide by themselves", namesOf(LEASES)],
  ["Safety", new Set(["delay", "unhealthy", "state-dir", "allow-force"])],
  [
    "Monitoring",
    new Set([
      "admin",
      "admin-host",
      ...PAGE_OPTIONS.map(({ name }) => name),
      ...namesOf(MONITORS),
      "logfile",
      "log-format",
    ]),
  ],
  ["Releases", new Set(["releases", "name", "outcomes", "outcomes-from", "notify", "notify-secret"])],
  ["Settings", new Set(["config"])],
];

/** A page with fewer flags needs no titles. */
const GROUPED_MIN = 16;

export interface FlagGroup {
  readonly title: string;
  readonly options: readonly Option<unknown>[];
}

/**
 * The flags of a command under titles: first its own, then the daemon's by their groups. A short list has one
 * title.
 */
export function grouped(options: readonly Option<unknown>[]): readonly FlagGroup[] {
  if (options.length < GROUPED_MIN) return options.length === 0 ? [] : [{ title: "Flags", options }];
  const groups = GROUPS.map(([title, names]) => ({
    title,
    options: options.filter(({ name }) => names.has(name)),
  }));
  const known = new Set(groups.flatMap((group) => group.options));
  const others = options.filter((option) => !known.has(option));
  return [{ title: "Flags", options: others }, ...groups].filter((group) => group.options.length > 0);
}

function namesOf(kinds: readonly { readonly options: readonly Option<unknown>[] }[]): ReadonlySet<string> {
  return new Set(kinds.flatMap(({ options }) => options.map(({ name }) => name)));
}
