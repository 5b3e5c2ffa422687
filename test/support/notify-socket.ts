/** A supervisor's socket: a real datagram socket, held by Python, because neither Bun nor Node has one. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const RECEIVER = `
import socket, sys, time
path = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind("\\0" + path[1:] if path.startswith("@") else path)
print("bound", flush=True)
while True:
    message = receiver.recv(4096).decode()
    print(time.monotonic_ns() // 1000, repr(message), flush=True)
`;

export const hasPython = Bun.which("python3") !== null;
if (!hasPython && process.env["CI"]) throw new Error("python3 is not installed");

export class NotifySocket {
  /** As NOTIFY_SOCKET names it. */
  readonly address: string;
  /** The messages so far, in order. */
  readonly messages: string[] = [];
  /** When each of them was heard, by CLOCK_MONOTONIC. */
  readonly heardUsec: number[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-notify-"));
  readonly #child: Bun.Subprocess<"ignore", "pipe", "inherit">;
  readonly #bound = Promise.withResolvers<void>();

  private constructor(isAbstract: boolean) {
    const path = join(this.#directory, "notify.sock");
    this.address = isAbstract ? `@${path}` : path;
    this.#child = Bun.spawn(["python3", "-c", RECEIVER, this.address], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    void this.#read();
  }

  /** Resolves when it can be sent to. */
  static async open({ isAbstract = false } = {}): Promise<NotifySocket> {
    const opened = new NotifySocket(isAbstract);
    await opened.#bound.promise;
    return opened;
  }

  async close(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [, usec, message] = /^(\d+) '(.*)'$/.exec(line) ?? [];
        if (line === "bound") this.#bound.resolve();
        if (message === undefined) continue;
        this.messages.push(message.replaceAll("\\n", "\n"));
        this.heardUsec.push(Number(usec));
      }
    }
  }
}
