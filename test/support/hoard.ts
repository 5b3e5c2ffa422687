/**
 * A client that opens connections and keeps them: a program of its own, so that it can be run as another
 * user. It runs by `bun -e`, because that user may not be able to read this directory.
 */

/** The address, the number of connections at a time, and the bytes that each connection sends. */
export interface Hoard {
  readonly to: { readonly path: string } | { readonly host: string; readonly port: number };
  readonly connections: number;
  /** Sent once, by each connection. */
  readonly first?: string;
  /** A connection that is cut off comes again. */
  readonly comesAgain?: boolean;
}

const SCRIPT = `
  const { connect } = require("node:net");
  const { to, connections, first = "", comesAgain = false } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  let settled = 0;
  function open() {
    const socket = connect(to);
    const settle = () => {
      if (++settled === connections) console.log("hoarded");
    };
    socket.once("connect", () => socket.write(first, "latin1", settle));
    socket.once("error", () => {});
    socket.once("close", () => {
      settle();
      if (comesAgain) setTimeout(open, 20);
    });
    socket.resume();
  }
  for (let i = 0; i < connections; i++) open();
  setInterval(() => {}, 1000);
`;

/** Whether programs can be run as another user here. */
export const CAN_BE_NOBODY = process.getuid?.() === 0;

const NOBODY = 65_534;

/** Starts it; resolves when each connection is open, or was refused. */
export async function startHoard(hoard: Hoard, { asNobody = false } = {}) {
  const user = asNobody ? { uid: NOBODY, gid: NOBODY } : {};
  const child = Bun.spawn([process.execPath, "-e", SCRIPT], {
    stdin: Buffer.from(JSON.stringify(hoard)),
    stdout: "pipe",
    stderr: "inherit",
    cwd: "/",
    ...user,
  });
  const { value } = await child.stdout.getReader().read();
  if (value === undefined) throw new Error("the hoard ended at once");
  return {
    async end() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
