/**
 * Browsers that hold the stream of the page's news, until the standard input ends. Then it prints how many
 * are open, and how many states they have got.
 *
 *     bun bench/page-viewers.ts http://127.0.0.1:6293/events 64
 */

const [url = "", count = "1"] = process.argv.slice(2);
const { hostname, port, host, pathname } = new URL(url);
const EVENT = Buffer.from("data: ");

let open = 0;
let states = 0;

/** The states in a piece of the stream, which is enough for a count that shows that news came. */
function statesIn(bytes: Buffer): number {
  let found = 0;
  for (let at = bytes.indexOf(EVENT); at >= 0; at = bytes.indexOf(EVENT, at + 1)) found++;
  return found;
}

for (let page = 0; page < Number(count); page++) {
  await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open(socket) {
        open++;
        socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      },
      data(_, bytes) {
        states += statesIn(bytes);
      },
      close() {
        open--;
      },
    },
  });
}
for await (const _ of Bun.stdin.stream()) {
  // Nothing is sent.
}
console.log(JSON.stringify({ open, states }));
process.exit(0);

export {};
