/** A proxy runs on this machine. */

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
          "doctor sees no proxy among the processes of this machine",
          "start the proxy; if it runs on another machine or in a container, there is nothing to do",
          evidence,
        )
      : warn(
          "doctor sees processes only on Linux",
          "there is nothing to do: the other checks say more",
          evidence,
        );
  },
};

/**
 * `nginx 1.22.1, as user "root" and "www-data" (process 17)`. Proxies that differ only in their process share
 * an entry.
 */
function describe(found: readonly RunningProxy[]): string {
  const pids = new Map<string, number[]>();
  for (const { name, version, users, pid } of found) {
    const what = `${name}${version === null ? "" : ` ${version}`}, as user ${users.map((user) => `"${user}"`).join(" and ")}`;
    pids.set(what, [...(pids.get(what) ?? []), pid]);
  }
  return [...pids].map(([what, own]) => `${what} (process ${own.join(", ")})`).join("; ");
}
