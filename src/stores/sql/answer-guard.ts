/**
 * Checks what a server sends before the driver acts upon it. Without it, a rogue server could fill the memory
 * of the daemon, or make the driver throw out of the handler of its socket.
 */

import { StoreError } from "../store.ts";

/** The most bytes of an answer, with all that the server sends by itself until the next statement. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

export abstract class AnswerGuard {
  /** Bytes since the last statement began. */
  bytes = 0;
  /** The reason why the connection was ended. */
  fault: Error | undefined;
  readonly #protocol: string;

  /** @param protocol whose protocol it is, for the message */
  constructor(protocol: string) {
    this.#protocol = protocol;
  }

  /** Ends the connection at once. */
  abstract destroy(): void;

  /** Lets the driver read these bytes. An error of its parser ends the connection, and not the process. */
  protected check(bytes: Buffer, parse: (bytes: Buffer) => void): void {
    if (this.fault !== undefined) return;
    this.bytes += bytes.byteLength;
    try {
      if (this.bytes > ANSWER_BYTES_MAX) {
        const remedy = "delete versions that no daemon serves";
        throw new StoreError("malformed", `the answer is longer than ${ANSWER_BYTES_MAX} bytes; ${remedy}`);
      }
      parse(bytes);
    } catch (error) {
      const remedy = "check host and port, and every proxy on the way";
      const garbage = `the server does not speak ${this.#protocol}'s protocol; ${remedy}`;
      this.fault = error instanceof StoreError ? error : new StoreError("malformed", garbage);
      this.destroy();
    }
  }
}
