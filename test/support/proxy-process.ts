/** A proxy under test that runs as a process: how its start is waited for, and how it is ended. */

import { connect } from "node:net";

const START_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 10;

export interface ProxyProcess {
  readonly url: string;
  /** What it wrote to stderr so far. */
  log(): string;
  /** Ends it at once: its end in peace would wait for WebSockets. */
  stop(): Promise<void>;
}

/** Resolves when what was started listens on this port of loopback; rejects with its log where it does not. */
export async function whenListening(
  name: string,
  child: Bun.Subprocess<"ignore", "ignore", "pipe">,
  port: number,
): Promise<ProxyProcess> {
  let log = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) log += decoder.decode(chunk, { stream: true });
  })();
  const stop = async () => {
    child.kill("SIGKILL");
    await child.exited;
    await reading;
  };
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await isListening(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error(`${name} did not start: ${log}`);
    }
    await Bun.sleep(LOOK_EVERY_MS);
  }
  return { url: `http://127.0.0.1:${port}`, log: () => log, stop };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
