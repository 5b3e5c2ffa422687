/** A proxy under test that runs as a process: how its start is waited for, and how it is ended. */

import { connect } from "node:net";

/** For a busy machine. */
const START_TIMEOUT_MS = 20_000;
const LOOK_EVERY_MS = 10;

export interface ProxyProcess {
  readonly url: string;
  readonly pid: number;
  /** Its output so far. */
  log(): string;
  signal(name: NodeJS.Signals): void;
  /**
   * Resolves when it is gone. By default it ends at once, because an end in peace would wait for WebSockets.
   */
  stop(name?: NodeJS.Signals): Promise<void>;
}

export interface Starting {
  /** The condition, beside listening, that has to be true before a test uses it. */
  readonly isServing?: (url: string) => Promise<boolean>;
  readonly isTls?: boolean;
  /** The signal of `stop`: SIGKILL, except for a program with children, which would outlive it. */
  readonly endsBy?: NodeJS.Signals;
}

/** A proxy that writes to one of its streams. */
type Child = Bun.Subprocess<"ignore", "ignore", "pipe"> | Bun.Subprocess<"ignore", "pipe", "ignore">;

/** Resolves when the process listens on this port of loopback. Rejects with its log if it does not. */
export async function whenListening(
  name: string,
  child: Child,
  port: number,
  { isServing = async () => true, isTls = false, endsBy = "SIGKILL" }: Starting = {},
): Promise<ProxyProcess> {
  let log = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr ?? child.stdout) log += decoder.decode(chunk, { stream: true });
  })();
  const stop = async (signal: NodeJS.Signals = endsBy) => {
    child.kill(signal);
    await child.exited;
    await reading;
  };
  const url = `${isTls ? "https" : "http"}://127.0.0.1:${port}`;
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!((await isListening(port)) && (await isServing(url)))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error(`${name} did not start: ${log}`);
    }
    await Bun.sleep(LOOK_EVERY_MS);
  }
  return { url, pid: child.pid, log: () => log, signal: (signal) => child.kill(signal), stop };
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
