/** An agent in the daemon's place that answers every HAProxy over SPOP, but with whatever it likes. */

import { data, frame, name, pairs } from "./spop.ts";

const HAPROXY_HELLO = 1;
const NOTIFY = 3;
const AGENT_HELLO = 101;
const ACK = 103;
const SET_VAR = 1;
const TRANSACTION = 2;
/** Length, type and flags, before the ids. */
const HEAD_BYTES = 9;

/** Listens on a unix socket; every visitor gets this assignment, and the canary. */
export function startLyingAgent(path: string, assignment: string) {
  const actions = Buffer.concat(
    (
      [
        ["assignment", assignment],
        ["location", "canary"],
      ] as const
    ).flatMap(([key, value]) => [Buffer.of(SET_VAR, 3, TRANSACTION), name(key), data(value)]),
  );
  return Bun.listen<{ received: Buffer }>({
    unix: path,
    socket: {
      open(socket) {
        socket.data = { received: Buffer.alloc(0) };
      },
      data(socket, chunk) {
        let bytes = Buffer.concat([socket.data.received, chunk]);
        while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
          const end = 4 + bytes.readUInt32BE(0);
          const answer = answerTo(bytes.subarray(0, end), actions);
          if (answer !== undefined) socket.write(answer);
          bytes = bytes.subarray(end);
        }
        socket.data.received = bytes;
      },
    },
  });
}

function answerTo(bytes: Buffer, actions: Buffer): Buffer | undefined {
  if (bytes[4] === HAPROXY_HELLO) {
    const hello = [
      ["version", "2.0"],
      ["max-frame-size", 16_380],
      ["capabilities", "pipelining"],
    ] as const;
    return frame(AGENT_HELLO, pairs(hello));
  }
  if (bytes[4] !== NOTIFY) return undefined;
  // The ids go back as they came: only their ends have to be found.
  let end = HEAD_BYTES;
  for (let ids = 0; ids < 2; ids++) {
    if ((bytes[end++] as number) >= 240) while ((bytes[end++] as number) >= 128);
  }
  const head = Buffer.alloc(HEAD_BYTES);
  const ids = bytes.subarray(HEAD_BYTES, end);
  head.writeUInt32BE(HEAD_BYTES - 4 + ids.length + actions.length);
  head[4] = ACK;
  head.writeUInt32BE(1, 5);
  return Buffer.concat([head, ids, actions]);
}
