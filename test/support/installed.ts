/**
 * The package like in an application: packed by npm, and unpacked into the node_modules of a separate
 * directory, beside the application's other packages. Nothing is fetched: dependencies and frameworks are
 * this repository's.
 */

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pack } from "../../scripts/test/products.ts";
import { freePort } from "./port.ts";

const ROOT = join(import.meta.dir, "../..");
const START_TIMEOUT_MS = 15_000;

export const RUNTIMES = ["node", "bun", "deno"] as const;
export type Runtime = (typeof RUNTIMES)[number];

export const FRAMEWORKS = ["express", "fastify", "hono"] as const;
export type Framework = (typeof FRAMEWORKS)[number];

/** How a runtime runs a file. */
export function commandOf(runtime: Runtime): string[] {
  if (runtime === "bun") return [process.execPath];
  if (runtime === "deno") return [denoPath(), "run", "--no-remote", "--allow-all"];
  const node = Bun.which("node");
  if (node === null) throw new Error("there is no Node");
  return [node];
}

/** The package `deno` finds its binary when it is installed; scripts of packages may be off. */
function denoPath(): string {
  const folder = join(ROOT, "node_modules/@deno");
  const [platform] = readdirSync(folder);
  if (platform === undefined) throw new Error("Deno is not installed; npm ci");
  return join(folder, platform, "deno");
}

export class Installed {
  readonly directory = mkdtempSync(join(tmpdir(), "installed-"));
  /** The name of the file that npm made. */
  readonly tarball: string;
  /** The paths of all files in the package. */
  readonly files: readonly string[];

  /** @param dependencies more packages, by name */
  constructor(...dependencies: readonly string[]) {
    const tarball = process.env["MAXWELLS_TEST_PACKAGE"] ?? pack(ROOT, this.directory);
    this.tarball = basename(tarball);
    const target = join(this.directory, "node_modules/maxwells-daemon");
    mkdirSync(target, { recursive: true });
    const unpacked = Bun.spawnSync(["tar", "-xzf", tarball, "-C", target, "--strip-components=1"], {
      stderr: "pipe",
    });
    if (unpacked.exitCode !== 0) throw new Error(`tar failed:\n${unpacked.stderr}`);
    this.files = readdirSync(target, { recursive: true, encoding: "utf8" });
    for (const name of dependencies) {
      const path = join(this.directory, "node_modules", name);
      mkdirSync(join(path, ".."), { recursive: true });
      symlinkSync(join(ROOT, "node_modules", name), path);
    }
    this.write("package.json", JSON.stringify({ type: "module", dependencies: { "maxwells-daemon": "*" } }));
  }

  /** Writes a file of the application. */
  write(name: string, text: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, text);
    return path;
  }

  /** Runs a file of the application to its end; what it said. */
  async run(runtime: Runtime, file: string, env: Readonly<Record<string, string>> = {}) {
    const child = Bun.spawn([...commandOf(runtime), file], {
      cwd: this.directory,
      env: { PATH: process.env["PATH"], HOME: this.directory, NO_COLOR: "1", ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: START_TIMEOUT_MS,
    });
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { stdout, stderr, status: await child.exited };
  }

  /**
   * Starts a copy of `source` that listens where PORT says, on a free port by default; resolves when it does.
   */
  async start(source: string, { runtime = "node", env = {}, edit }: AppOptions = {}): Promise<App> {
    const file = join(this.directory, basename(source));
    const text = readFileSync(source, "utf8");
    writeFileSync(file, edit === undefined ? text : edit(text));
    const port = env["PORT"] ?? String(await freePort());
    const child = Bun.spawn([...commandOf(runtime), file], {
      cwd: this.directory,
      env: { PATH: process.env["PATH"], HOME: this.directory, NO_COLOR: "1", ...env, PORT: port },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const app = new App(`http://127.0.0.1:${port}`, child);
    await app.listens();
    return app;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface AppOptions {
  readonly runtime?: Runtime;
  readonly env?: Readonly<Record<string, string>>;
  /** Changes the source. */
  readonly edit?: (source: string) => string;
}

/** An application that runs. */
export class App {
  readonly url: string;
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  #log = "";
  #output = "";

  constructor(url: string, child: Bun.Subprocess<"ignore", "pipe", "pipe">) {
    this.url = url;
    this.#child = child;
    void this.#readLog(child.stderr);
  }

  /** Its stderr so far. */
  get log(): string {
    return this.#log;
  }

  /** Its stdout since it listens. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves when it says that it listens. */
  async listens(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), START_TIMEOUT_MS);
    const decoder = new TextDecoder();
    const chunks = this.#child.stdout[Symbol.asyncIterator]();
    let said = "";
    while (!said.includes("listening on")) {
      const { value, done } = await chunks.next();
      if (done) break;
      said += decoder.decode(value, { stream: true });
    }
    clearTimeout(timer);
    if (!said.includes("listening on")) {
      throw new Error(`the application did not start:\n${said}${this.#log}`);
    }
    void this.#readOutput(chunks, decoder);
  }

  async #readOutput(chunks: AsyncIterator<Uint8Array>, decoder: TextDecoder): Promise<void> {
    for (let chunk = await chunks.next(); !chunk.done; chunk = await chunks.next()) {
      this.#output += decoder.decode(chunk.value, { stream: true });
    }
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #readLog(stderr: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stderr) this.#log += decoder.decode(chunk, { stream: true });
  }
}

/** The packages that applications of the frameworks install. */
export const FRAMEWORK_PACKAGES = [...FRAMEWORKS, "@hono/node-server"] as const;

/** The application of a framework that answers with what it saw. */
export function appOf(framework: Framework): string {
  return join(ROOT, "test/integration/apps", `${framework}.js`);
}

/** The example that operators copy. */
export function exampleOf(framework: Framework): string {
  return join(ROOT, "integrations/node", `${framework}.js`);
}
