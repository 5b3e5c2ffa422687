/**
 * An nginx of the demo's own, beside any other nginx of this machine, with the shipped files.
 *
 * A shell stands between the demo and nginx. It reads from a pipe of the demo. When the demo is gone, however
 * it ended, the pipe is closed, and the shell ends nginx.
 */

import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import type { Front, FrontParts } from "./front.ts";
import { nginxConfiguration } from "./nginx-files.ts";

/** Debian has it in a directory that is not in the PATH of users. */
const MORE_PATH = "/usr/sbin:/usr/local/sbin:/sbin";

/** `nginx -t`, and the start. */
const CHECK_MS_MAX = 5_000;
const START_MS_MAX = 5_000;
const LOOK_EVERY_MS = 20;

/** After this time nginx is killed. */
const END_MS_MAX = 3_000;

/** Another program may take the port before nginx has it. */
const STARTS_MAX = 3;

/** A path with other characters would need quotes in nginx's configuration. */
const PLAIN_PATH = /^[\w./-]+$/;

const WATCHER = 'trap "" INT; "$@" & nginx=$!; read -r _; kill -TERM $nginx; wait $nginx';

/** Opens nginx, or returns the reason why this machine's nginx cannot be used. */
export async function openNginx(
  parts: FrontParts,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Front | string> {
  if (process.platform !== "linux") return "the daemon hears nginx's reports on Linux alone";
  const program = Bun.which("nginx", { PATH: `${env["PATH"] ?? ""}:${MORE_PATH}` });
  if (program === null) return "nginx is not installed";
  if (!PLAIN_PATH.test(parts.directory)) return "the temporary directory has a name that nginx cannot read";
  let fault = "";
  for (let starts = 0; starts < STARTS_MAX; starts++) {
    const ports = { port: await freePort(), standInPort: await freePort() };
    const configuration = join(parts.directory, "nginx.conf");
    writeFileSync(configuration, nginxConfiguration(parts, ports));
    const words = [program, "-p", parts.directory, "-e", "stderr", "-c", configuration];
    const checked = await run([...words, "-t"]);
    if (checked.status !== 0) return `this nginx cannot use the files: ${lastLine(checked.said)}`;
    const running = new Running(words);
    if (await running.listens(ports.port)) {
      const name = await nameOf(program);
      return { name, port: ports.port, close: () => running.close(), kill: () => running.kill() };
    }
    await running.close();
    fault = lastLine(running.said);
  }
  return `nginx did not start: ${fault}`;
}

/** The shell, and nginx below it, in a process group of their own. */
class Running {
  readonly #child: Bun.Subprocess<"pipe", "ignore", "pipe">;
  said = "";

  constructor(words: readonly string[]) {
    this.#child = Bun.spawn(["/bin/sh", "-c", WATCHER, "sh", ...words], {
      ...{ stdin: "pipe", stdout: "ignore", stderr: "pipe", detached: true, cwd: "/" },
    });
    void this.#read();
  }

  async listens(port: number): Promise<boolean> {
    const deadline = performance.now() + START_MS_MAX;
    while (performance.now() < deadline) {
      if (await accepts(port)) return !/\[emerg\]/.test(this.said);
      await Bun.sleep(LOOK_EVERY_MS);
      if (/\[emerg\]/.test(this.said)) return false;
    }
    return false;
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    const isGone = await Promise.race([
      this.#child.exited.then(() => true),
      Bun.sleep(END_MS_MAX).then(() => false),
    ]);
    if (!isGone) this.kill();
    await this.#child.exited;
  }

  kill(): void {
    if (this.#child.exitCode !== null) return;
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // It has just ended.
    }
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stderr) {
      this.said = (this.said + decoder.decode(bytes, { stream: true })).slice(-SAID_LENGTH_MAX);
    }
  }
}

/** The last output of nginx is kept, so long. */
const SAID_LENGTH_MAX = 4_096;

async function run(words: readonly string[]): Promise<{ readonly status: number; readonly said: string }> {
  const child = Bun.spawn([...words], {
    ...{ stdin: "ignore", stdout: "ignore", stderr: "pipe", cwd: "/", timeout: CHECK_MS_MAX },
  });
  const said = await new Response(child.stderr).text();
  return { status: await child.exited, said };
}

/** `nginx 1.26.3`. */
async function nameOf(program: string): Promise<string> {
  const { said } = await run([program, "-v"]);
  const [, version] = /nginx\/([\d.]+)/.exec(said) ?? [];
  return version === undefined ? "nginx" : `nginx ${version}`;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

function lastLine(said: string): string {
  const lines = said.trim().split("\n");
  return lines.findLast((line) => /\[emerg\]/.test(line)) ?? lines.at(-1) ?? "";
}
