/** Which proxies run here. */

import { type Check, pass, warn } from "../check.ts";

export const proxies: Check = {
  id: "proxies",
  title: "a proxy runs on this machine",

  async run({ proxies: found }) {
    const evidence = {
      found: found.map(({ name, version }) => (version === null ? name : `${name} ${version}`)),
    };
    if (found.length > 0) {
      const names = found.map(
        ({ name, version, pid, users }) =>
          `${name}${version === null ? "" : ` ${version}`} (process ${pid}, as ${users.join(" and ")})`,
      );
      return pass(names.join("; "), evidence);
    }
    return process.platform === "linux"
      ? warn(
          "no proxy is seen among this machine's processes",
          "nothing to do if it runs elsewhere, or in a container; else start it",
          evidence,
        )
      : warn(
          "processes are looked through on Linux alone",
          "nothing to do: the other checks say more",
          evidence,
        );
  },
};
