/** Pages of help that belong to no command: the words of this program, and how stores are written. */

import { STORES } from "../stores/list.ts";
import { moduleStore } from "../stores/module.ts";
import { aligned } from "../text/columns.ts";
import { PROGRAM } from "./command.ts";

/** The words of all pages and messages, at most fifteen. Each is explained by words that come before it. */
export const WORDS: readonly (readonly [word: string, meaning: string])[] = [
  ["application", "a website, or another program that visitors use"],
  ["version", "one variant of an application, on servers of its own, such as canary"],
  ["master", "the proven version: it serves every visitor that no other version serves"],
  ["rollout", "the fraction of all visitors that a version should serve: 5%, or 0.05"],
  [
    "assignment",
    "a visitor's number, from 0 to less than 1, which the visitor keeps in a cookie or a header",
  ],
  [
    "offset",
    "the assignment at which the visitors of a version begin; it is 0 unless an operator sets another",
  ],
  ["arc", "the assignments that a version serves: canary=0.1@0 is a rollout of 0.1 from the offset 0 on"],
  ["location", "the answer of the daemon: master, or the version whose arc has the visitor's assignment"],
  ["store", "the file or database to which operators write rollouts, and from which all daemons read them"],
  ["record", "the entry of one version in the store: its rollout, its offset, and more"],
  ["snapshot", "all records of one application, as a daemon read them at one moment"],
  ["unhealthy", "the age at which a snapshot becomes stale: the daemon then sends visitors to master"],
  ["failsafe", "the part of a record that decides where its visitors go when the snapshot is stale"],
  ["hold", "the failsafe that leaves these visitors with their version; the usual one sends them to master"],
  ["lease", "the time for which a proxy may decide by itself, by the arcs that the daemon last gave it"],
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
