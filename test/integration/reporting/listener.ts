/** Listens for outcomes on the port that the shipped files name, as the daemon does. */

import { createSocket } from "node:dgram";
import { readLogs } from "../../../src/intake/otlp/logs.ts";
import { emptyOutcome } from "../../../src/intake/outcome.ts";
import { readReport } from "../../../src/intake/report.ts";
import type { Heard } from "./heard.ts";

export interface Listener {
  /** On 127.0.0.1. */
  readonly port: number;
  stop(): void;
}

/** A free port of UDP may be taken for TCP. */
const TRIES = 10;

/** A listener of an earlier test may not be closed yet. */
const RETRY_MS = 100;

/** @param at the port; any free one if absent */
export async function startListener(heard: Heard, at = 0): Promise<Listener> {
  for (let n = 1; ; n++) {
    try {
      return await listen(heard, at);
    } catch (error) {
      if (n === TRIES) throw error;
      if (at !== 0) await Bun.sleep(RETRY_MS);
    }
  }
}

async function listen(heard: Heard, at: number): Promise<Listener> {
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
    socket.bind(at, "127.0.0.1", resolve);
  });
  const { port } = socket.address();
  let otlp: Bun.Server<undefined>;
  try {
    otlp = startOtlp(port, heard);
  } catch (error) {
    socket.close();
    throw error;
  }
  return {
    port,
    stop: () => {
      socket.close();
      void otlp.stop(true);
    },
  };
}

/** Envoy and Traefik send OTLP over HTTP, to the port of the same number. */
function startOtlp(port: number, heard: Heard) {
  const draft = emptyOutcome();
  return Bun.serve({
    hostname: "127.0.0.1",
    port,
    routes: {
      "/v1/logs": {
        async POST(request) {
          const sent = await request.bytes();
          const body =
            request.headers.get("content-encoding") === "gzip" ? Bun.gunzipSync(new Uint8Array(sent)) : sent;
          const isWhole = readLogs(body, draft, (fault) => {
            if (fault === undefined) heard.take(draft);
            else if (fault !== "undecided") heard.refuse(Buffer.from(body).toString("latin1"), fault);
          });
          if (!isWhole) heard.refuse(Buffer.from(body).toString("base64"), "otlp");
          return new Response();
        },
      },
    },
    fetch: () => new Response(undefined, { status: 404 }),
  });
}
