/** Pages of help that belong to no command: the words of this program, and how stores are written. */

import { STORES } from "../stores/list.ts";
import { moduleStore } from "../stores/module.ts";
import { aligned } from "../text.ts";
import { PROGRAM } from "./command.ts";

/** The words that the commands use and do not explain. Each one needs only words that come before it. */
export const WORDS: readonly (readonly [word: string, meaning: string])[] = [
  ["application", "what is being rolled out; a daemon serves one or more"],
  ["version", "another state of an application beside master, such as canary; it has its own servers"],
  ["master", "the version that is proven; it serves all visitors that no other version serves"],
  ["rollout", "the fraction of all visitors that a version serves: 5% or 0.05"],
  ["assignment", "a visitor's number, from 0 to less than 1; the visitor keeps it, in a cookie or a header"],
  ["arc", "the numbers that a version serves: all numbers lie on a circle, and an arc is a part of it"],
  ["offset", "the number at which an arc begins; 0 if the record names none. canary=0.1@0 is 10% from 0 on"],
  [
    "share",
    "what a version really has, if another one takes visitors from it; canary comes before all others",
  ],
  ["location", "the answer for a visitor: master, or the version whose arc has the visitor's number"],
  ["store", "the place of the rollouts, which all daemons read: a file, Redis, DynamoDB, …"],
  ["record", "one version of one application in the store: its rollout, offset and failsafe"],
  ["snapshot", "all records of an application, read at one moment"],
  ["unhealthy", "how old a snapshot may become while the store does not answer; then it is stale"],
  ["stale", "older than that: everyone goes to master, except visitors of a version that holds"],
  [
    "hold",
    "-failsafe hold: a version keeps its visitors while the store is lost; for one that most visitors are on already",
  ],
  ["lease", "how long a proxy may decide by itself with what the daemon told it, without asking again"],
  ["maintenance", "a switch beside the versions: while it is on, the proxy shows its maintenance page"],
];

/** A page by its name, behind `help`. */
export const TOPICS: Readonly<Record<string, { readonly summary: string; readonly page: () => string }>> = {
  words: {
    summary: "what arc, lease, hold and the other words mean",
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
      "Passwords are better given by MAXWELLS_DAEMON_STORE or in the file of -config: flags can be seen with ps.\n",
  },
};
