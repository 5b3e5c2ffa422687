/**
 * A UDP socket that is read when its owner has time.
 *
 * Bun calls back for each datagram, and reads on until the kernel has none left. While datagrams come faster
 * than they are read, it never returns to the event loop, and visitors wait for seconds. So this class calls
 * libc itself: one datagram a call, into one buffer. So its owner can stop between any two.
 */

import { dlopen, type Pointer, ptr, read } from "bun:ffi";
import { isIP } from "node:net";
import type { HostPort } from "../address.ts";
import { LIBRARIES } from "../stream/libc.ts";

/** Room for the longest datagram. */
const DATAGRAM_BYTES_MAX = 65_536;

/** The kernel keeps datagrams in this much memory while the daemon does not read. It may allow less. */
const RECEIVE_BYTES = 4 * 1024 * 1024;

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_MEMINFO = 55;

/** The place of the drops among the numbers of `SO_MEMINFO`, and how many numbers there are. */
const MEMINFO_DROPS = 8;
const MEMINFO_LENGTH = 9;

/** The family, the port and the address of an IPv4 or an IPv6 peer (ip(7), ipv6(7)). */
const ADDRESS_BYTES = 28;
const PORT_AT = 2;
const IPV4_AT = 4;
const IPV6_AT = 8;

const ERRNO_TEXTS: Readonly<Record<number, string>> = {
  13: "EACCES: this user may not listen there",
  98: "EADDRINUSE: another program has this address",
  99: "EADDRNOTAVAIL: this machine has no such address",
};

const signatures = {
  socket: { args: ["int", "int", "int"], returns: "int" },
  bind: { args: ["int", "ptr", "u32"], returns: "int" },
  getsockname: { args: ["int", "ptr", "ptr"], returns: "int" },
  setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
  getsockopt: { args: ["int", "int", "int", "ptr", "ptr"], returns: "int" },
  recvfrom: { args: ["int", "ptr", "u32", "int", "ptr", "ptr"], returns: "int" },
  close: { args: ["int"], returns: "int" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

type Libc = ReturnType<typeof dlopen<typeof signatures>>["symbols"];

export class UdpSocket {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #bytes = Buffer.allocUnsafeSlow(DATAGRAM_BYTES_MAX);
  readonly #from = Buffer.alloc(ADDRESS_BYTES);
  readonly #fromLength = new Uint32Array([ADDRESS_BYTES]);
  readonly #pointers: { readonly bytes: Pointer; readonly from: Pointer; readonly fromLength: Pointer };
  #length = 0;

  private constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
    this.#pointers = {
      bytes: ptr(this.#bytes),
      from: ptr(this.#from),
      fromLength: ptr(this.#fromLength),
    };
  }

  /** Opens a socket at `address`, whose host is an IP address. Throws if that cannot be. */
  static open(address: HostPort): UdpSocket {
    const libc = loadLibc();
    if (libc === undefined) throw new Error("this system has no libc that the daemon knows");
    const isIpv6 = isIP(address.host) === 6;
    const fd = libc.socket(isIpv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw new Error(errnoText(libc));
    const bytes = Buffer.alloc(isIpv6 ? ADDRESS_BYTES : 16);
    bytes.writeUInt16LE(isIpv6 ? AF_INET6 : AF_INET, 0);
    bytes.writeUInt16BE(address.port, PORT_AT);
    bytes.set(addressBytes(address.host), isIpv6 ? IPV6_AT : IPV4_AT);
    if (libc.bind(fd, ptr(bytes), bytes.length) !== 0) {
      const text = errnoText(libc);
      libc.close(fd);
      throw new Error(text);
    }
    const size = new Int32Array([RECEIVE_BYTES]);
    libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, ptr(size), size.byteLength);
    return new UdpSocket(libc, fd);
  }

  /** The port at which it listens, which the kernel chose if port 0 was asked for. */
  get port(): number {
    const name = Buffer.alloc(ADDRESS_BYTES);
    const length = new Uint32Array([name.length]);
    this.#libc.getsockname(this.#fd, ptr(name), ptr(length));
    return name.readUInt16BE(PORT_AT);
  }

  /** Reads the next datagram; false if there is none. `text` and `source` then have it. */
  receive(): boolean {
    const { bytes, from, fromLength } = this.#pointers;
    this.#fromLength[0] = ADDRESS_BYTES;
    this.#length = this.#libc.recvfrom(this.#fd, bytes, DATAGRAM_BYTES_MAX, 0, from, fromLength);
    return this.#length >= 0;
  }

  /** The datagram that was read last. */
  get text(): string {
    return this.#bytes.toString("utf8", 0, this.#length);
  }

  /** Whether its sender has an address of 127.0.0.0/8. */
  get isFromLoopback(): boolean {
    return this.#from.readUInt16LE(0) === AF_INET && this.#from[IPV4_AT] === 127;
  }

  /** The address of its sender. */
  get source(): string {
    if (this.#from.readUInt16LE(0) === AF_INET) return this.#from.subarray(IPV4_AT, IPV4_AT + 4).join(".");
    const groups = Array.from({ length: 8 }, (_, group) =>
      this.#from.readUInt16BE(IPV6_AT + 2 * group).toString(16),
    );
    const text = groups.join(":");
    // An IPv4 sender at a socket of IPv6: its last two groups are its address.
    return text.startsWith("0:0:0:0:0:ffff:")
      ? this.#from.subarray(IPV6_AT + 12, IPV6_AT + 16).join(".")
      : text;
  }

  /** How many datagrams the kernel has dropped so far; undefined if it does not say. */
  get drops(): number | undefined {
    const numbers = new Uint32Array(MEMINFO_LENGTH);
    const length = new Uint32Array([numbers.byteLength]);
    const failed = this.#libc.getsockopt(this.#fd, SOL_SOCKET, SO_MEMINFO, ptr(numbers), ptr(length));
    return failed === 0 ? numbers[MEMINFO_DROPS] : undefined;
  }

  close(): void {
    this.#libc.close(this.#fd);
  }
}

function addressBytes(host: string): Uint8Array {
  if (isIP(host) === 4) return Uint8Array.from(host.split("."), Number);
  // The URL parser writes an IPv6 address in its short form, with one gap at most.
  const [head = "", tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16)]),
  );
}

function errnoText(libc: Libc): string {
  const place = libc.__errno_location();
  const errno = place === null ? 0 : read.i32(place, 0);
  return ERRNO_TEXTS[errno] ?? `the system refuses it (errno ${errno})`;
}

/** Undefined on another system than Linux. */
function loadLibc(): Libc | undefined {
  if (process.platform !== "linux") return undefined;
  for (const name of LIBRARIES) {
    try {
      return dlopen(name, signatures).symbols;
    } catch {
      // This system has libc under another name.
    }
  }
  return undefined;
}
