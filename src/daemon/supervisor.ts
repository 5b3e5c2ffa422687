/**
 * Tells the supervisor, such as systemd, that the daemon is ready, reloads, stops, and is alive. The messages
 * are those of sd_notify(3): datagrams to the socket in NOTIFY_SOCKET, which systemd sets for `Type=notify`.
 *
 * Neither Bun nor Node can send datagrams to unix sockets, and libsystemd would be a dependency on every
 * machine. So the daemon calls `socket` and `sendto` of libc (`bun:ffi`), and only if NOTIFY_SOCKET is set.
 * The socket does not block: a supervisor that does not read loses messages, and no visitor waits. Nothing
 * here throws.
 */

import type { Log } from "../log/log.ts";
import { LIBRARIES } from "../stream/libc.ts";

/** The numbers of `socket(2)` on Linux. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;

/** The longest path in an address of a unix socket, without the family (unix(7)). */
const PATH_BYTES_MAX = 108;

const CLOCK_MONOTONIC = 1;

/** The states that the daemon reports to its supervisor. */
export interface Supervisor {
  /** The daemon answers visitors. `status` is a line for people. */
  ready(status: string): void;
  reloading(): void;
  stopping(): void;
}

/** Used if the process has no supervisor. */
export const UNSUPERVISED: Supervisor = { ready() {}, reloading() {}, stopping() {} };

/** The socket to the supervisor, and the clock by which the supervisor reads times. */
interface Line {
  /** False if the supervisor did not take the message. */
  send(message: string): boolean;
  /**
   * CLOCK_MONOTONIC, in microseconds. Bun's `process.hrtime` cannot be used, because it starts at 0 with the
   * process.
   */
  monotonicUsec(): bigint;
}

/**
 * The supervisor that the environment names. After `ready`, it is told twice in its watchdog time that the
 * event loop runs.
 */
export async function connectSupervisor(
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<Supervisor> {
  const address = env["NOTIFY_SOCKET"];
  if (!address) return UNSUPERVISED;
  let line: Line;
  try {
    line = await openLine(address);
  } catch (error) {
    log.warn("the daemon cannot send its state to the supervisor; visitors notice nothing", {
      socket: address,
      error: String(error),
    });
    return UNSUPERVISED;
  }
  function tell(message: string): void {
    if (line.send(message)) return;
    log.warn("the supervisor does not take the daemon's messages; visitors notice nothing", {
      socket: address,
    });
  }
  let isWatched = false;
  return {
    ready(status) {
      tell(`READY=1\nSTATUS=${status.replaceAll("\n", " ")}`);
      const intervalMs = watchdogMs(env) / 2;
      if (intervalMs === 0 || isWatched) return;
      isWatched = true;
      // From the event loop, because the supervisor must notice a loop that hangs.
      setInterval(() => tell("WATCHDOG=1"), intervalMs).unref();
    },
    reloading: () => tell(`RELOADING=1\nMONOTONIC_USEC=${line.monotonicUsec()}`),
    stopping: () => tell("STOPPING=1"),
  };
}

/**
 * The time in milliseconds within which the supervisor expects a sign of life from this process; 0 if it
 * expects none.
 */
function watchdogMs(env: Readonly<Record<string, string | undefined>>): number {
  const isMeant = env["WATCHDOG_PID"] === undefined || env["WATCHDOG_PID"] === String(process.pid);
  const usec = Number(env["WATCHDOG_USEC"]);
  return isMeant && usec > 0 ? usec / 1000 : 0;
}

/** Throws if the address is wrong or no socket can be created. */
async function openLine(address: string): Promise<Line> {
  const to = socketAddress(address);
  const { socket, sendto, clock_gettime } = await libc();
  const descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw new Error("no socket could be created");
  return {
    send(message) {
      const bytes = Buffer.from(message);
      return Number(sendto(descriptor, bytes, bytes.length, MSG_NOSIGNAL, to, to.length)) === bytes.length;
    },
    monotonicUsec() {
      // `struct timespec` of a 64-bit Linux.
      const time = new BigInt64Array(2);
      clock_gettime(CLOCK_MONOTONIC, time);
      const [seconds = 0n, nanoseconds = 0n] = time;
      return seconds * 1_000_000n + nanoseconds / 1_000n;
    },
  };
}

/**
 * `struct sockaddr_un`. An address that begins with @ is a name in the abstract namespace, and begins with a
 * zero byte in the struct.
 */
function socketAddress(address: string): Buffer {
  const path = Buffer.from(address);
  if (path.length > PATH_BYTES_MAX || !/^[/@]/.test(address))
    throw new Error("this is not the address of a unix socket");
  if (address.startsWith("@")) path[0] = 0;
  const family = Buffer.alloc(2);
  new Uint16Array(family.buffer, family.byteOffset, 1)[0] = AF_UNIX;
  return Buffer.concat([family, path]);
}

async function libc() {
  const { dlopen } = await import("bun:ffi");
  const functions = {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    sendto: { args: ["i32", "ptr", "usize", "i32", "ptr", "u32"], returns: "i64" },
    clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  } as const;
  let failure: unknown;
  for (const library of LIBRARIES) {
    try {
      return dlopen(library, functions).symbols;
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}
