/**
 * The two calls of libc that Bun does not offer and a listener needs: which user is at the other end of a unix socket, and
 * which of two sockets that share a TCP port gets new connections.
 *
 * Both are called rarely, never for a request. libc is loaded at the first call. If it cannot be loaded (another system, a
 * libc with another name), each call says so with `undefined` or `false`, and its caller does without.
 */

import { dlopen, type Pointer, ptr } from "bun:ffi";

/** Of glibc, and of musl, whose name holds the processor. */
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

  /** The user at the other end of a connected unix socket; undefined if the system does not tell. */
  peerUser(fd: number): number | undefined {
    const libc = this.#load();
    if (libc === null || fd < 0) return undefined;
    this.#length[0] = this.#credentials.byteLength;
    const failed = libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ptr(this.#credentials), ptr(this.#length));
    return failed === 0 ? this.#credentials[USER] : undefined;
  }

  /**
   * Has the kernel give all new connections of a shared TCP port to the listener that joined it as number `index`, from 0 on. If
   * there is no such listener (any more), the kernel spreads them over all that there are.
   *
   * @param fd any listener of the port
   * @returns whether the kernel does so
   */
  steer(fd: number, index: number): boolean {
    const libc = this.#load();
    if (libc === null || fd < 0) return false;
    // A program of one instruction, `return index` (linux/filter.h: code, jt, jf, k), and its `struct sock_fprog`.
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
        // This system has it under another name.
      }
    }
    return null;
  }
}
