/** Listens for outcomes on the port that the shipped files name, as the daemon does. */

import { createSocket } from "node:dgram";
import { emptyOutcome } from "../../../src/intake/outcome.ts";
import { readOutcomeLine } from "../../../src/intake/outcome-line.ts";
import type { Heard } from "./heard.ts";

export interface Listener {
  /** On 127.0.0.1. */
  readonly port: number;
  stop(): void;
}

export async function startListener(heard: Heard): Promise<Listener> {
  const draft = emptyOutcome();
  const socket = createSocket("udp4");
  socket.on("message", (datagram) => {
    const report = datagram.toString("utf8");
    const fault = readOutcomeLine(lineOf(report), draft);
    if (fault === undefined) heard.take(draft);
    else heard.refuse(report, fault);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(0, "127.0.0.1", resolve);
  });
  return {
    port: socket.address().port,
    stop: () => {
      socket.close();
    },
  };
}

/** The line in a datagram of syslog. */
function lineOf(report: string): string {
  const [, structured] = /\[maxwells@0 outcome="((?:[^"\\]|\\.)*)"/.exec(report) ?? [];
  return structured ?? report.replace(/^<\d+>(?:\w{3} [ \d]\d [\d:]{8} )?(?:\S+ )?mwd(?:\[\d+\])?: /, "");
}
