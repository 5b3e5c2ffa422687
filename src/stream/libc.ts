/**
 * Two calls of libc that a listener needs and Bun does not offer. One asks for the user at the other end of a
 * unix socket. The other decides which of two sockets on the same TCP port gets new connections.
 *
 * Both are called rarely, and never for a request. The first call loads libc. If it cannot be loaded (another
 * system, a libc with another name), each call returns `undefined` or `false`, and its caller does without.
 */

import { dlopen, type Pointer, ptr } from "bun:ffi";

/** The names of glibc and of musl. The name of musl has the processor in it. */
export const LIBRARIES = ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_ATTACH_REUSEPORT_CBPF = 51;

/** `struct ucred`: process, user, group. */
const CREDENTIALS_INTS = 3;
const USER = 1;

const signatures = {
  getsockopt: { args: ["int", "int", "int", "ptr", "ptr"], returns: "int" },
  setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
} as const;

type Libc = ReturnType<typeof dlopen<typeof signatures>>["symbols"];

export class SocketCalls {
  #libc: Libc | null | undefined;
  readonly #credentials = new Int32Array(CREDENTIALS_INTS);
  readonly #length = new Uint32Array(1);

  /**
   * The number of the user at the other end of a connected unix socket; undefined if the system does not say.
   */
  peerUser(fd: number): number | undefined {
    const libc = this.#load();
    if (libc === null || fd < 0) return undefined;
    this.#length[0] = this.#credentials.byteLength;
    const failed = libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ptr(this.#credentials), ptr(this.#length));
    return failed === 0 ? this.#credentials[USER] : undefined;
  }

  /**
   * Makes the kernel give all new connections of a shared TCP port to one listener: the one that joined the
   * port as number `index`, counted from 0. If there is no such listener, or it has gone, the kernel spreads
   * new connections over all listeners of the port.
   *
   * @param fd any listener of the port
   * @returns whether the kernel accepted that
   */
  steer(fd: number, index: number): boolean {
    const libc = this.#load();
    if (libc === null || fd < 0) return false;
    // The program has one instruction, `return index` (linux/filter.h: code, jt, jf, k). Its
    // `struct sock_fprog` follows.
    const instruction = new Uint8Array(8);
    const view = new DataView(instruction.buffer);
    view.setUint16(0, 0x06, true);
    view.setUint32(4, index, true);
    const program = new BigUint64Array([1n, BigInt(ptr(instruction) satisfies Pointer as number)]);
    const failed = libc.setsockopt(
      fd,
      SOL_SOCKET,
      SO_ATTACH_REUSEPORT_CBPF,
      ptr(program),
      program.byteLength,
    );
    return failed === 0 && instruction.length > 0;
  }

  #load(): Libc | null {
    if (this.#libc !== undefined) return this.#libc;
    this.#libc = null;
    if (process.platform !== "linux") return null;
    for (const name of LIBRARIES) {
      try {
        this.#libc = dlopen(name, signatures).symbols;
        return this.#libc;
      } catch {
        // This system has libc under another name.
      }
    }
    return null;
  }
}
