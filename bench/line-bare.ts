/**
 * The second yardstick of the line protocol: the rate that Bun itself reaches. Like `line-limit.c`, it sends
 * a fixed answer for every newline and does nothing else. Bun costs the difference between the yardsticks;
 * the daemon costs the difference between this one and itself.
 *
 *     bun line-bare.ts /tmp/bare.sock
 */

const ANSWER = "0.123456789\ncanary\n";
const LF = 0x0a;

/** More requests than Bun ever reads at once under this load. */
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
