/** The daemon's socket answers, and the daemon that answers is the one of the admin listener. */

import { lstatSync } from "node:fs";
import { type Asking, isHeard, isUnheard } from "../asking.ts";
import type { Check } from "../check.ts";
import { type DaemonSide, isAnswer, isState, namesServers, type Unanswered } from "../daemon-side.ts";
import { causing, type Finding, fail, pass, skipped, warn } from "../finding.ts";
import { listeningFor } from "../machine/listening.ts";
import type { Subject } from "../subject.ts";

export const socket: Check = {
  id: "socket",
  title: "the socket answers, and one daemon listens there",

  skip: ({ daemon }) =>
    daemon.socket?.kind === "unix" ? undefined : "there is no unix socket (-socket none)",

  follows: ["daemon"],

  async run(subject, signal) {
    const finding = await lookAt(subject);
    if (finding.verdict !== "fail") return finding;
    const asking = await subject.asking(signal);
    return isHeard(asking) ? mildened(finding) : isUnheard(asking) ? blamed(finding, asking) : finding;
  },
};

/** A fault here is only a warning if the proxy at `-url` asks, because it has another way to the daemon. */
function mildened({ summary, remedy = "", evidence }: Finding): Finding {
  return warn(
    `${summary}; the proxy at -url asks over another listener`,
    `${remedy}. If no proxy uses this socket, name none: -socket none`,
    evidence,
  );
}

/** A fault here is the cause if the proxy asks for no visitor. */
function blamed(finding: Finding, asking: Asking | undefined): Finding {
  const evidence = {
    ...finding.evidence,
    visitors: asking?.visitors ?? 0,
    decisions: asking?.decisions ?? 0,
  };
  return causing(
    { ...finding, evidence },
    "proxies cannot ask over the socket, so all visitors go to master",
  );
}

async function lookAt({ daemon, answer }: Subject): Promise<Finding> {
  if (daemon.socket?.kind !== "unix") return skipped("there is no unix socket");
  const { path } = daemon.socket;
  const listeners = listeningFor(path).length;
  const file = fileKind(path);
  const evidence = { path, file, listeners };
  if (!isAnswer(answer)) return notAnswered(path, file, answer, evidence);
  const isSame = await isOneDaemon(daemon, path);
  if (isSame === false) {
    return fail(
      `two daemons run: the daemon that answers proxies at ${path} is not the daemon of the admin listener`,
      "end one of them, or name the -admin of the daemon that answers at the socket",
      { ...evidence, isSame },
    );
  }
  if (listeners > 1) {
    return warn(
      `${listeners} daemons listen for ${path}: proxies that keep their connections stay with the older one`,
      "end one of the two, unless the older one is just ending",
      { ...evidence, isSame: isSame ?? null },
    );
  }
  return pass(`${path} answers for ${answer.application}`, { ...evidence, isSame: isSame ?? null });
}

function notAnswered(
  path: string,
  file: ReturnType<typeof fileKind>,
  { why, code }: Unanswered,
  evidence: { readonly path: string; readonly file: string; readonly listeners: number },
) {
  if (file === "other") {
    return fail(
      `${path} is not a socket, so proxies that ask over it serve master`,
      "move that file away and start the daemon, or choose another -socket",
      evidence,
    );
  }
  if (file === "hidden") {
    return warn(
      `this user may not look at ${path}`,
      "run doctor as the proxy's user or root; socket-access and proxy-asks say whether the proxy may",
      evidence,
    );
  }
  if (file === "missing") {
    return fail(
      `there is no socket at ${path}, so proxies that ask over it serve master`,
      "start the daemon, or name its -socket",
      evidence,
    );
  }
  if (code === "ECONNREFUSED") {
    return fail(
      `${path} is left over: no daemon listens there, so proxies serve master`,
      "start the daemon: it takes the file over",
      evidence,
    );
  }
  if (code === "EACCES") {
    return fail(
      `this user may not connect to ${path}`,
      "run doctor as a user that may connect: the daemon's -socket-mode decides this",
      evidence,
    );
  }
  return fail(
    `${path} does not answer, so proxies that ask over it serve master: ${why}`,
    "read the daemon's log: the daemon hangs, or another program listens there",
    evidence,
  );
}

function fileKind(path: string): "socket" | "other" | "missing" | "hidden" {
  try {
    return lstatSync(path).isSocket() ? "socket" : "other";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "missing" : "hidden";
  }
}

/**
 * Whether the daemon of the admin listener counts a question to the socket; undefined if it does not say.
 */
async function isOneDaemon(daemon: DaemonSide, path: string): Promise<boolean | undefined> {
  const accepted = async () => {
    const state = await daemon.state();
    if (!isState(state) || !namesServers(state)) return undefined;
    const server = state.servers.find(
      ({ listens, address }) => listens && address.kind === "unix" && address.path === path,
    );
    return server?.accepted ?? -1;
  };
  const before = await accepted();
  if (before === undefined || !isAnswer(await daemon.ask())) return undefined;
  const after = await accepted();
  return after === undefined ? undefined : after > before;
}
