/**
 * A server that does what LP-24 allows and no more, in a process of its own. In each turn of its event loop
 * it works for the clients with much to say, until a millisecond is over. It answers each piece with one
 * byte. A test asks it in place of the daemon, beside the same other clients. So the test learns what this
 * machine adds to that millisecond. Run as `bun yardstick.ts SOCKET-PATH`.
 */

const TURN_MS = 1;

/** A client that sends no more at once has one question. */
const LITTLE_BYTES = 512;

const ANSWER = Buffer.from(".");

if (import.meta.main) {
  const [path = ""] = process.argv.slice(2);
  let endsAtMs: number | undefined;
  Bun.listen({
    unix: path,
    socket: {
      data(socket, chunk) {
        if (endsAtMs === undefined) {
          endsAtMs = performance.now() + TURN_MS;
          setImmediate(() => {
            endsAtMs = undefined;
          });
        }
        while (chunk.length > LITTLE_BYTES && performance.now() < endsAtMs) {}
        socket.write(ANSWER);
      },
    },
  });
  console.log("listening");
}
