/** Pages of help that belong to no command: the words of this program, and how stores are written. */

import { STORES } from "../stores/list.ts";
import { moduleStore } from "../stores/module.ts";
import { aligned } from "../text/columns.ts";
import { PROGRAM } from "./command.ts";

/**
 * The words of all pages and messages, at most fifteen. No meaning uses a word of a later row. Three ordinary
 * words have no row: the daemon is this program, the proxy is the server in front of an application, and the
 * operator is the reader.
 */
export const WORDS: readonly (readonly [word: string, meaning: string])[] = [
  ["application", "a website, or another server program, that visitors reach through a proxy"],
  ["version", "one variant of an application, on servers of its own, such as canary"],
  ["rollout", "the fraction of all visitors that a version should serve: 5%, or 0.05"],
  [
    "assignment",
    "a visitor's number, from 0 to less than 1, which the visitor keeps in a cookie or a header",
  ],
  ["offset", "the first assignment that belongs to a version; it is 0 unless an operator sets another one"],
  [
    "arc",
    "all assignments that belong to a version: canary=0.1@0 begins at the offset 0, and ends just below 0.1",
  ],
  ["master", "the proven version: it has no rollout and no arc, and serves all visitors that are in no arc"],
  [
    "location",
    "the answer of the daemon: the version whose arc has the visitor's assignment, or else master",
  ],
  ["store", "the file or database to which operators write rollouts, and from which all daemons read them"],
  ["record", "the entry of one version in the store: its rollout, its offset, and more"],
  ["snapshot", "all records of one application, as a daemon read them at one moment"],
  ["unhealthy", "the greatest age at which a snapshot still counts, 8 s by default; an older one is stale"],
  [
    "failsafe",
    "the field of a record that says where its version's visitors go when the snapshot is stale; usually to master",
  ],
  ["hold", "the failsafe that keeps these visitors with their version, by the last rollout"],
  ["lease", "the time for which a proxy may decide without asking, by the arcs that the daemon gave it last"],
];

/** A page by its name, behind `help`. */
export const TOPICS: Readonly<Record<string, { readonly summary: string; readonly page: () => string }>> = {
  words: {
    summary: "the words of all pages and messages, such as arc, offset and lease",
    page: () => `The words of ${PROGRAM}:\n${aligned(WORDS, "  ")}`,
  },
  stores: {
    summary: "all kinds of -store, and how each is written",
    page: () =>
      `${PROGRAM} -store ADDRESS, with one of these addresses:\n` +
      aligned(
        [...STORES, moduleStore].map(({ usage, summary }) => [usage, summary]),
        "  ",
      ) +
      "Write a password into MAXWELLS_DAEMON_STORE or the file of -config, because ps shows flags.\n",
  },
};
