/** Many connections to a line protocol socket that stay open and are silent most of the time. */

import type { Socket } from "bun";

/** The number opened at the same time. The kernel holds 512 that wait to be accepted. */
const OPENED_AT_ONCE = 128;
const RETRY_MS = 2;
const OPEN_TIMEOUT_MS = 30_000;

/** The longest time for all answers together. */
const ANSWER_TIMEOUT_MS = 10_000;

const QUESTION = "0.123456789\n";
const ANSWER = "0.123456789\ncanary\n";

export class IdleConnections {
  readonly #sockets: Socket<{ reply: string }>[] = [];
  #missing = 0;
  #onAllAnswered: () => void = () => {};

  /** Opens `count` connections. Tries a refused one again, for a while. */
  static async open(path: string, count: number): Promise<IdleConnections> {
    const connections = new IdleConnections();
    const deadlineMs = performance.now() + OPEN_TIMEOUT_MS;
    let opened = 0;
    const openSome = async () => {
      while (opened < count) {
        opened++;
        await connections.#openOne(path, deadlineMs);
      }
    };
    await Promise.all(Array.from({ length: OPENED_AT_ONCE }, openSome));
    return connections;
  }

  /** Asks on each connection. Resolves with the number of right answers, when all have come or time is up. */
  async askAll(): Promise<number> {
    const answered = new Promise<void>((resolve) => {
      this.#missing = this.#sockets.length;
      this.#onAllAnswered = resolve;
    });
    for (const socket of this.#sockets) {
      socket.data.reply = "";
      socket.write(QUESTION);
    }
    await Promise.race([answered, Bun.sleep(ANSWER_TIMEOUT_MS)]);
    return this.#sockets.filter((socket) => socket.data.reply === ANSWER).length;
  }

  close(): void {
    for (const socket of this.#sockets) socket.end();
  }

  async #openOne(path: string, deadlineMs: number): Promise<void> {
    for (;;) {
      try {
        this.#sockets.push(await this.#connect(path));
        return;
      } catch (error) {
        if (performance.now() > deadlineMs) throw error;
        await Bun.sleep(RETRY_MS);
      }
    }
  }

  #connect(path: string): Promise<Socket<{ reply: string }>> {
    return Bun.connect<{ reply: string }>({
      unix: path,
      data: { reply: "" },
      socket: {
        data: (socket, chunk) => {
          socket.data.reply += chunk.toString("latin1");
          if (socket.data.reply === ANSWER && --this.#missing === 0) this.#onAllAnswered();
        },
      },
    });
  }
}
