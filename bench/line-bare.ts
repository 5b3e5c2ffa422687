/**
 * The second yardstick of the line protocol: what Bun itself reaches. As `line-limit.c`, a fixed answer for every
 * newline and nothing else; what it loses to that is Bun's, and what the daemon loses to this is the daemon's.
 *
 *     bun line-bare.ts /tmp/bare.sock
 */

const ANSWER = "0.123456789\ncanary\n";
const LF = 0x0a;

/** More than the load's requests in what Bun reads at once. */
const REQUESTS_MAX = 65_536;

const answers = Buffer.from(ANSWER.repeat(REQUESTS_MAX));

Bun.listen({
  unix: Bun.argv[2] ?? "",
  socket: {
    data(socket, chunk) {
      let count = 0;
      for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) count++;
      socket.write(answers, 0, count * ANSWER.length);
    },
  },
});
