/** The users that proxies run as may connect to the socket, and their processes see it. */

import { type Asking, isHeard, isUnheard } from "../asking.ts";
import type { Check } from "../check.ts";
import { causing, type Evidence, type Finding, fail, pass, skipped, warn } from "../finding.ts";
import { barrierTo, sees } from "../machine/access.ts";
import { userName } from "../machine/processes.ts";
import type { RunningProxy } from "../machine/proxies.ts";
import type { Subject } from "../subject.ts";

/**
 * Proxies whose shipped configuration connects to the unix socket. The others use `-http`, `-spop` or a map.
 */
const ASKING = ["nginx", "apache"];

const NAMED_MAX = 3;

export const socketAccess: Check = {
  id: "socket-access",
  title: "the users of the proxies may connect to the socket",
  follows: ["daemon", "socket"],

  skip: ({ daemon, findings, ...subject }) =>
    daemon.socket?.kind !== "unix" || findings.get("socket")?.evidence["file"] !== "socket"
      ? "there is no socket to connect to"
      : askingOf(subject).length > 0
        ? undefined
        : "doctor sees no proxy that asks over the socket",

  async run(subject, signal) {
    const { daemon } = subject;
    if (daemon.socket?.kind !== "unix") return skipped("there is no unix socket");
    const { path } = daemon.socket;
    const asking = askingOf(subject);
    const problems = asking
      .flatMap((proxy) => problemsOf(proxy, path))
      .sort((a, b) => Number(a.isGuess) - Number(b.isGuess));
    const evidence = { path, problems: problems.map(({ what }) => what) };
    const [first] = problems;
    return first === undefined
      ? pass(`${asking.map(({ name, pid }) => `${name} (process ${pid})`).join(", ")} may connect`, evidence)
      : judge(first, evidence, subject, await subject.asking(signal));
  },
};

/** The proxies that use the socket. If doctor knows which ones listen at `-url`, only these. */
function askingOf({ proxies, front }: Pick<Subject, "proxies" | "front">): readonly RunningProxy[] {
  return (front ?? proxies).filter(({ name }) => ASKING.includes(name));
}

function judge(
  first: AccessProblem,
  evidence: Evidence & { readonly problems: readonly string[] },
  { front }: Subject,
  asking: Asking | undefined,
): Finding {
  const { problems } = evidence;
  const more = problems.length > NAMED_MAX ? `; and ${problems.length - NAMED_MAX} more` : "";
  const what = `${problems.slice(0, NAMED_MAX).join("; ")}${more}`;
  // The operator may have intended a guess, so it is a cause only if the proxy at -url does not ask.
  const isCause = isUnheard(asking) && (!first.isGuess || front !== undefined);
  if (isHeard(asking) || (first.isGuess && !isCause)) {
    return warn(
      what,
      `${first.remedy}. If that proxy does not need the daemon, there is nothing to do`,
      evidence,
    );
  }
  const finding = fail(`${what}, so it sends all visitors to master`, first.remedy, evidence);
  return isCause
    ? causing(finding, "the proxy may not connect to the daemon, so all visitors go to master")
    : finding;
}

interface AccessProblem {
  readonly what: string;
  readonly remedy: string;
  /** Whether the operator may have intended it. */
  readonly isGuess: boolean;
}

function problemsOf({ name, workers }: RunningProxy, path: string): AccessProblem[] {
  return workers.flatMap(({ pid, user }): AccessProblem[] => {
    const who = `${name} (process ${pid}) runs as user "${userName(user.uid)}", which`;
    if (sees(pid, path) === false) {
      return [
        {
          what: `${name} (process ${pid}) finds no file at ${path}, or another one`,
          remedy:
            "put the socket into a directory that proxy and daemon both see: the proxy is in a container, or has systemd's PrivateTmp=",
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
          ? `let that user enter the directory: chmod o+x ${barrier.path}, or put the socket elsewhere`
          : "run the daemon with -socket-mode 0666, or make that user a member of the socket's group with 0660",
        isGuess: false,
      },
    ];
  });
}
