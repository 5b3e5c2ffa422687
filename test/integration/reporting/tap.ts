/**
 * A unix socket between a proxy and its daemon. It passes on everything, but keeps reports of outcomes to
 * itself: they are for the test.
 */

import { chmodSync, rmSync } from "node:fs";
import type { Socket } from "bun";
import { emptyOutcome } from "../../../src/intake/outcome.ts";
import { readReport } from "../../../src/intake/report.ts";
import type { Heard } from "./heard.ts";

const REPORT = "?outcome ";

/** The daemon's answer to a report that it takes. */
const TAKEN = "1\n\n";

/** One connection of the proxy. */
interface Peer {
  /** Bytes that came before the daemon's side was open, or the rest of a line. */
  received: string;
  /** undefined until the first bytes are there. */
  isReporting: boolean | undefined;
  daemon: Socket | undefined;
}

export interface Tap {
  readonly path: string;
  stop(): void;
}

/** Listens at `path` for a daemon at `daemonPath`. */
export function startTap(path: string, daemonPath: string, heard: Heard): Tap {
  const draft = emptyOutcome();

  function report(line: string): void {
    const fault = readReport(line.slice(REPORT.length), draft);
    if (fault === undefined) heard.take(draft);
    else if (fault !== "undecided") heard.refuse(line, fault);
  }

  async function connect(client: Socket<Peer>): Promise<void> {
    const peer = client.data;
    try {
      peer.daemon = await Bun.connect({
        unix: daemonPath,
        socket: {
          data: (_, chunk) => {
            client.write(chunk);
          },
          close: () => {
            client.end();
          },
        },
      });
      peer.daemon.write(peer.received);
      peer.received = "";
    } catch {
      // The daemon is gone. The proxy sees a connection that ends.
      client.end();
    }
  }

  const server = Bun.listen<Peer>({
    unix: path,
    socket: {
      open: (client) => {
        client.data = { received: "", isReporting: undefined, daemon: undefined };
      },
      data: (client, chunk) => {
        const peer = client.data;
        if (peer.daemon !== undefined) {
          peer.daemon.write(chunk);
          return;
        }
        peer.received += chunk.toString("latin1");
        if (peer.isReporting === undefined) {
          peer.isReporting = peer.received.startsWith(REPORT);
          if (!peer.isReporting) void connect(client);
        }
        if (!peer.isReporting) return;
        const lines = peer.received.split("\n");
        peer.received = lines.pop() ?? "";
        for (const line of lines) report(line);
        client.write(TAKEN.repeat(lines.length));
      },
      close: (client) => {
        client.data.daemon?.end();
      },
    },
  });
  // A proxy's workers may run as another user.
  chmodSync(path, 0o666);
  return {
    path,
    stop() {
      server.stop(true);
      rmSync(path, { force: true });
    },
  };
}
