/**
 * Four clients that ask without end and read all their answers, in a process of their own so that they take
 * no time from the test that measures. Run as `bun greedy.ts SOCKET-PATH BASE64 [FIRST-BASE64]`: the bytes
 * that each client sends again and again, and those that it sends once before. At its end it says how many
 * bytes it has sent and read.
 */

const CLIENTS = 4;

/** A client hands this many bytes to the kernel at once. */
const BURST_BYTES = 262_144;

/** The bytes that all of them have sent, and those of answers that they have read. */
let movedBytes = 0;

if (import.meta.main) {
  const [path = "", repeated = "", first = ""] = process.argv.slice(2);
  const request = Buffer.from(repeated, "base64");
  const burst = Buffer.concat(Array.from({ length: Math.ceil(BURST_BYTES / request.length) }, () => request));
  for (let i = 0; i < CLIENTS; i++) await beGreedy(path, burst, Buffer.from(first, "base64"));
  console.log("greedy");
  process.on("SIGTERM", () => {
    console.log(String(movedBytes));
    process.exit();
  });
}

async function beGreedy(path: string, burst: Buffer, first: Buffer): Promise<void> {
  let at = 0;
  const send = (socket: Bun.Socket) => {
    for (;;) {
      const sent = socket.write(burst.subarray(at));
      if (sent < 0) return;
      at += sent;
      movedBytes += sent;
      if (at < burst.length) return;
      at = 0;
    }
  };
  await Bun.connect({
    unix: path,
    socket: {
      open(socket) {
        socket.write(first);
        send(socket);
      },
      data(_, chunk) {
        movedBytes += chunk.length;
      },
      drain: send,
    },
  });
}
