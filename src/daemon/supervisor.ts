/**
 * What the daemon tells the program that supervises it, as sd_notify(3) has it: that it is ready, reloads, stops, and is
 * alive. Datagrams to the socket in NOTIFY_SOCKET; systemd sets it for `Type=notify`, and so do others.
 *
 * Neither Bun nor Node has datagrams over unix sockets, and a library of systemd would be a dependency of every machine.
 * So libc's own `socket` and `sendto` are called (`bun:ffi`), and only if NOTIFY_SOCKET is set. The socket does not block:
 * a supervisor that does not read loses messages, and costs no visitor anything. Nothing here throws.
 */

import type { Log } from "../log/log.ts";
import { LIBRARIES } from "../stream/libc.ts";

/** As `socket(2)` numbers them on Linux. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;

/** What an address of a unix socket holds at most, behind its family (unix(7)). */
const PATH_BYTES_MAX = 108;

const CLOCK_MONOTONIC = 1;

/** The states that a supervisor knows. */
export interface Supervisor {
  /** Visitors are answered. `status` is a line for people. */
  ready(status: string): void;
  reloading(): void;
  stopping(): void;
}

/** For a process without a supervisor. */
export const UNSUPERVISED: Supervisor = { ready() {}, reloading() {}, stopping() {} };

/** A socket to the supervisor, and the clock that it compares with. */
interface Line {
  /** False if the message was not taken. */
  send(message: string): boolean;
  /** CLOCK_MONOTONIC, in microseconds. `process.hrtime` of Bun begins with the process. */
  monotonicUsec(): bigint;
}

/** The supervisor that the environment names. From `ready` on it hears as often as it wants that the event loop turns. */
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
    log.warn("the supervisor cannot be told how the daemon is", { socket: address, error: String(error) });
    return UNSUPERVISED;
  }
  function tell(message: string): void {
    if (line.send(message)) return;
    log.warn("the supervisor does not take what it is told; visitors notice nothing", { socket: address });
  }
  let isWatched = false;
  return {
    ready(status) {
      tell(`READY=1\nSTATUS=${status.replaceAll("\n", " ")}`);
      const intervalMs = watchdogMs(env) / 2;
      if (intervalMs === 0 || isWatched) return;
      isWatched = true;
      // From the event loop, because a loop that hangs is what the supervisor is to notice.
      setInterval(() => tell("WATCHDOG=1"), intervalMs).unref();
    },
    reloading: () => tell(`RELOADING=1\nMONOTONIC_USEC=${line.monotonicUsec()}`),
    stopping: () => tell("STOPPING=1"),
  };
}

/** Within which time the supervisor wants to hear that this process is alive; 0: it does not want to. */
function watchdogMs(env: Readonly<Record<string, string | undefined>>): number {
  const isMeant = env["WATCHDOG_PID"] === undefined || env["WATCHDOG_PID"] === String(process.pid);
  const usec = Number(env["WATCHDOG_USEC"]);
  return isMeant && usec > 0 ? usec / 1000 : 0;
}

/** Throws if there is no such socket to be had. */
async function openLine(address: string): Promise<Line> {
  const to = socketAddress(address);
  const { socket, sendto, clock_gettime } = await libc();
  const descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw new Error("there is no socket to be had");
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

/** `struct sockaddr_un`. A path that begins with @ is a name of the abstract space, which begins with a zero. */
function socketAddress(address: string): Buffer {
  const path = Buffer.from(address);
  if (path.length > PATH_BYTES_MAX || !/^[/@]/.test(address))
    throw new Error("this is no address of a unix socket");
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
