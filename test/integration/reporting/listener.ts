/** Listens for outcomes on the port that the shipped files name, as the daemon does. */

import { createSocket } from "node:dgram";
import { emptyOutcome } from "../../../src/intake/outcome.ts";
import { readReport } from "../../../src/intake/report.ts";
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
    const fault = readReport(report, draft);
    if (fault === undefined) heard.take(draft);
    else if (fault !== "undecided") heard.refuse(report, fault);
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
