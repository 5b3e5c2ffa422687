/** Which proxies run here. */

import type { Check } from "../check.ts";
import { pass, warn } from "../finding.ts";
import type { RunningProxy } from "../machine/proxies.ts";

export const proxies: Check = {
  id: "proxies",
  title: "a proxy runs on this machine",

  async run({ proxies: found }) {
    const evidence = {
      found: found.map(({ name, version }) => (version === null ? name : `${name} ${version}`)),
    };
    if (found.length > 0) {
      return pass(describe(found), evidence);
    }
    return process.platform === "linux"
      ? warn(
          "no proxy is seen among this machine's processes",
          "if it runs on another machine or in a container, there is nothing to do; else start it",
          evidence,
        )
      : warn(
          "doctor sees processes on Linux alone",
          "there is nothing to do: the other checks say more",
          evidence,
        );
  },
};

/** `nginx 1.22.1, as user "root" and "www-data" (process 17)`; those that are alike together. */
function describe(found: readonly RunningProxy[]): string {
  const pids = new Map<string, number[]>();
  for (const { name, version, users, pid } of found) {
    const what = `${name}${version === null ? "" : ` ${version}`}, as user ${users.map((user) => `"${user}"`).join(" and ")}`;
    pids.set(what, [...(pids.get(what) ?? []), pid]);
  }
  return [...pids].map(([what, own]) => `${what} (process ${own.join(", ")})`).join("; ");
}
