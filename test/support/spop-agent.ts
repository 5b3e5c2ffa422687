/**
 * A stand-in for the daemon over SPOP: it greets, passes health checks, and sets the variables that a test
 * wants.
 */

import type { Socket } from "node:net";
import { data, frame, name, pairs } from "./spop.ts";
import { startUnixServer, type UnixServer } from "./unix-server.ts";

/** Types of frames, as SPOE.txt numbers them. */
const [HELLO, NOTIFY, AGENT_HELLO, ACK] = [1, 3, 101, 103];
/** A variable is set by three arguments, for the whole transaction. */
const SET_VAR = Buffer.of(1, 3, 2);
/** Behind a frame's type and flags. */
const IDS_AT = 5;

/**
 * Listens on `path`.
 *
 * @param decide the variables of the next answer
 */
export function startSpopAgent(
  path: string,
  decide: () => Readonly<Record<string, string>>,
): Promise<UnixServer> {
  return startUnixServer(path, (socket) => {
    let received: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= 4 + received.readUInt32BE()) {
        const end = 4 + received.readUInt32BE();
        answer(socket, received.subarray(4, end), decide);
        received = received.subarray(end);
      }
    });
  });
}

function answer(socket: Socket, bytes: Buffer, decide: () => Readonly<Record<string, string>>): void {
  if (bytes[0] === HELLO) {
    const greeting = pairs([
      ["version", "2.0"],
      ["max-frame-size", 16_380],
      ["capabilities", "pipelining"],
    ]);
    socket.write(frame(AGENT_HELLO, greeting));
  } else if (bytes[0] === NOTIFY) {
    const actions = Object.entries(decide()).map(([key, value]) =>
      Buffer.concat([SET_VAR, name(key), data(value)]),
    );
    const [stream, after] = readVarint(bytes, IDS_AT);
    const [id] = readVarint(bytes, after);
    socket.write(frame(ACK, Buffer.concat(actions), { stream, frame: id }));
  }
}

/** A number, and where it ends. */
function readVarint(bytes: Buffer, at: number): [value: number, end: number] {
  let value = bytes[at] ?? 0;
  let end = at + 1;
  if (value < 240) return [value, end];
  for (let shift = 4, last = 128; last >= 128; shift += 7) {
    last = bytes[end++] ?? 0;
    value += last * 2 ** shift;
  }
  return [value, end];
}
