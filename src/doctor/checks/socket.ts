/** Proxies that come to the daemon's socket are answered, by the daemon that is meant, and by no other. */

import { lstatSync } from "node:fs";
import { type Check, fail, pass, skipped, warn } from "../check.ts";
import { type DaemonSide, isAnswer, isState } from "../daemon-side.ts";
import { listeningFor } from "../listening.ts";

export const socket: Check = {
  id: "socket",
  title: "the socket answers, and one daemon listens there",

  skip: ({ daemon }) =>
    daemon.socket?.kind === "unix" ? undefined : "there is no unix socket (-socket none)",

  async run({ daemon, answer }) {
    if (daemon.socket?.kind !== "unix") return skipped("there is no unix socket");
    const { path } = daemon.socket;
    const listeners = listeningFor(path).length;
    const file = fileKind(path);
    const evidence = { path, file, listeners };
    if (!isAnswer(answer)) return notAnswered(path, file, answer, evidence);
    const isSame = await isOneDaemon(daemon, path);
    if (isSame === false) {
      return fail(
        `who answers at ${path} is another daemon than the one of the admin listener`,
        "two daemons run: end one of them, or name the -admin of the one that is meant",
        { ...evidence, isSame },
      );
    }
    if (listeners > 1) {
      return warn(
        `${listeners} daemons listen for ${path}: connections that are kept stay with the older one`,
        "end one of the two, unless the older one is just ending",
        { ...evidence, isSame: isSame ?? null },
      );
    }
    return pass(`${path} answers for ${answer.application}`, { ...evidence, isSame: isSame ?? null });
  },
};

function notAnswered(
  path: string,
  file: ReturnType<typeof fileKind>,
  { why, code }: { readonly why: string; readonly code: string },
  evidence: { readonly path: string; readonly file: string; readonly listeners: number },
) {
  if (file === "other") {
    return fail(
      `${path} is no socket`,
      "move that file away and start the daemon, or choose another -socket",
      evidence,
    );
  }
  if (file === "hidden") {
    return warn(
      `this user may not look at ${path}`,
      "run doctor as the proxy's user or root; whether the proxy may is what reach and asked say",
      evidence,
    );
  }
  if (file === "missing") {
    return fail(
      `there is no socket at ${path}`,
      "start the daemon, or name the -socket that it has",
      evidence,
    );
  }
  if (code === "ECONNREFUSED") {
    return fail(
      `${path} is left over: nobody listens there`,
      "start the daemon: it takes the file over",
      evidence,
    );
  }
  if (code === "EACCES") {
    return fail(
      `this user may not connect to ${path}`,
      "the daemon's -socket-mode says who may; run doctor as a user who may",
      evidence,
    );
  }
  return fail(
    `${path} does not answer: ${why}`,
    "the daemon hangs, or it is not this daemon; its log tells",
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

/** Whether a question to the socket is counted by the daemon of the admin listener; undefined where nobody tells. */
async function isOneDaemon(daemon: DaemonSide, path: string): Promise<boolean | undefined> {
  const accepted = async () => {
    const state = await daemon.state();
    if (!isState(state)) return undefined;
    return state.servers.find(({ name }) => name === `line unix:${path}`)?.accepted ?? -1;
  };
  const before = await accepted();
  if (before === undefined || !isAnswer(await daemon.ask())) return undefined;
  const after = await accepted();
  return after === undefined ? undefined : after > before;
}
