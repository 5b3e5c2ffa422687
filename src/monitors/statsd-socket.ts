/** A UDP socket that sends datagrams to one address. It does not keep the process alive. */

import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";

/** `close` waits at most this long for datagrams that the kernel has not taken yet. */
const DRAIN_MS = 110;

export class StatsdSocket {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #port: number;
  /** Datagrams that the kernel has neither taken nor refused yet. */
  #pending = 0;
  #onDrained: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  /**
   * @param host an IP address; it is not looked up
   * @param onError called with errors that come after a datagram was taken, such as its refusal by the host
   */
  constructor(host: string, port: number, onError: (error: Error) => void) {
    this.#host = host;
    this.#port = port;
    const family = isIPv6(host) ? 6 : 4;
    this.#socket = createSocket({
      type: `udp${family}`,
      // Otherwise the socket would look the address up with every datagram.
      lookup: (address, _, callback) => callback(null, address, family),
    });
    this.#socket.unref();
    this.#socket.on("error", onError);
  }

  /** Sends one datagram. Calls `failed`, and never throws, if the kernel does not take it. */
  send(datagram: string, failed: (error: unknown) => void): void {
    this.#pending++;
    const done = (error: unknown): void => {
      if (error) failed(error);
      if (--this.#pending === 0) this.#onDrained?.();
    };
    try {
      this.#socket.send(datagram, this.#port, this.#host, done);
    } catch (error) {
      done(error);
    }
  }

  /**
   * Resolves when the socket is closed: after the kernel took all datagrams, or after `DRAIN_MS`. Never
   * rejects. A second call waits for the first one.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        this.#onDrained = resolve;
        setTimeout(resolve, DRAIN_MS).unref();
      });
    }
    await new Promise<void>((resolve) => {
      try {
        this.#socket.close(() => resolve());
      } catch {
        resolve(); // An error has closed it.
      }
    });
  }
}
