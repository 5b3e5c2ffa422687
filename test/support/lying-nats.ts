/** A server that speaks the protocol of NATS, and answers each request with what a test wants. */

import { createServer, type Socket } from "node:net";

const INFO = { server_id: "X", version: "2.9.10", proto: 1, headers: true, max_payload: 1_048_576 };

export interface LyingNats {
  readonly port: number;
  /** The subjects of the requests so far. */
  readonly asked: string[];
  stop(): Promise<void>;
}

/**
 * @param answer the text of the answer, or the bytes that the server sends as they are; undefined for no
 *               answer
 */
export async function lyingNats(
  answer: (subject: string, payload: string, reply: string) => string | Uint8Array | undefined,
  info: Readonly<Record<string, unknown>> = {},
): Promise<LyingNats> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.write(`INFO ${JSON.stringify({ ...INFO, ...info })} \r\n`);
    /** The ids of the client's subscriptions by the beginning of their subjects. */
    const ids = new Map<string, string>();
    let rest = "";
    socket.on("data", (bytes: Buffer) => {
      rest += bytes.toString("latin1");
      for (let end = rest.indexOf("\r\n"); end >= 0; end = rest.indexOf("\r\n")) {
        const [verb = "", ...words] = rest.slice(0, end).split(" ");
        const size = verb === "PUB" || verb === "HPUB" ? Number(words.at(-1)) + 2 : 0;
        if (rest.length < end + 2 + size) return;
        const payload = rest.slice(end + 2, end + size);
        rest = rest.slice(end + 2 + size);
        if (verb === "PING") socket.write("PONG\r\n");
        if (verb === "SUB") ids.set((words[0] ?? "").replace(/\*$/, ""), words.at(-1) ?? "");
        if (size === 0) continue;
        const [subject = "", reply = ""] = words;
        asked.push(subject);
        const told = answer(subject, payload, reply);
        const id = [...ids].find(([start]) => reply.startsWith(start))?.[1];
        if (told instanceof Uint8Array) socket.write(told);
        else if (told !== undefined) {
          socket.write(`MSG ${reply} ${id} ${Buffer.byteLength(told)}\r\n${told}\r\n`);
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  return {
    port,
    asked,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
