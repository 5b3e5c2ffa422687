/** The users that proxies run as may connect to the socket, and their processes see it. */

import { barrierTo, sees } from "../access.ts";
import { type Check, fail, pass, skipped, warn } from "../check.ts";
import { userName } from "../processes.ts";
import type { RunningProxy } from "../proxies.ts";

/** Those of whom the shipped configurations ask over the socket itself; the others have listeners of their own. */
const ASKING = ["nginx", "apache"];

const NAMED_MAX = 3;

export const reach: Check = {
  id: "reach",
  title: "the users of the proxies may connect to the socket",

  skip: ({ daemon, proxies, findings }) =>
    daemon.socket?.kind !== "unix" || findings.get("socket")?.evidence["file"] !== "socket"
      ? "there is no socket to reach"
      : proxies.some(({ name }) => ASKING.includes(name))
        ? undefined
        : "no proxy is seen that asks over it",

  async run({ daemon, proxies, findings }) {
    if (daemon.socket?.kind !== "unix") return skipped("there is no unix socket");
    const { path } = daemon.socket;
    const asking = proxies.filter(({ name }) => ASKING.includes(name));
    const problems = asking
      .flatMap((proxy) => problemsOf(proxy, path))
      .sort((a, b) => Number(a.isGuess) - Number(b.isGuess));
    const evidence = { path, problems: problems.map(({ what }) => what) };
    const [first] = problems;
    if (first === undefined) {
      return pass(
        `${asking.map(({ name, pid }) => `${name} (process ${pid})`).join(", ")} may connect`,
        evidence,
      );
    }
    const more = problems.length > NAMED_MAX ? `; and ${problems.length - NAMED_MAX} more` : "";
    const what = `${evidence.problems.slice(0, NAMED_MAX).join("; ")}${more}`;
    const isProven = findings.get("asked")?.verdict === "pass" || findings.get("split")?.verdict === "pass";
    // There may be several proxies, and the one behind -url was seen to ask.
    return isProven || first.isGuess
      ? warn(what, `${first.remedy}; nothing to do if that proxy has nothing to ask`, evidence)
      : fail(what, first.remedy, evidence);
  },
};

interface Problem {
  readonly what: string;
  readonly remedy: string;
  /** It may be meant to be so. */
  readonly isGuess: boolean;
}

function problemsOf({ name, workers }: RunningProxy, path: string): Problem[] {
  return workers.flatMap(({ pid, user }): Problem[] => {
    const who = `${name} (process ${pid}, user ${userName(user.uid)})`;
    if (sees(pid, path) === false) {
      return [
        {
          what: `${who} sees no such file, or another one`,
          remedy: `it has a file system of its own (a container, or systemd's PrivateTmp=): put the socket where both see it`,
          isGuess: true,
        },
      ];
    }
    const barrier = barrierTo(path, user);
    if (barrier === undefined) return [];
    return [
      {
        what: `${who} may not connect: ${barrier.path} has mode ${barrier.mode}`,
        remedy: barrier.isDirectory
          ? `let that user enter it: chmod o+x ${barrier.path}, or put the socket elsewhere`
          : "run the daemon with -socket-mode 0666, or make that user a member of the socket's group with 0660",
        isGuess: false,
      },
    ];
  });
}
