/**
 * A directory that belongs to an attacker: every file that Bun is known to obey in the current directory,
 * each with the same order, to run code that leaves a mark. For tests of programs that start in it.
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The content of `.env`: a store of the attacker's, and more code for Bun and for the clients of the stores.
 */
const ENVIRONMENT = `
MAXWELLS_DAEMON_STORE=./code.ts
BUN_OPTIONS=--preload=./code.ts
NODE_OPTIONS=--require=./code.ts
NODE_TLS_REJECT_UNAUTHORIZED=0
NODE_PG_FORCE_NATIVE=1
`;

/** Names that Bun reads the environment from. */
const ENVIRONMENT_FILES = [".env", ".env.local", ".env.development", ".env.production", ".env.test"];

/** Packages that the program imports at its start or later, and what those look for. */
const PACKAGES = [
  "smol-toml",
  "fastest-levenshtein",
  "pg",
  "pg-native",
  "ioredis",
  "prom-client",
  "@aws-sdk/client-dynamodb",
];

export class HostileDirectory {
  readonly path = mkdtempSync(join(tmpdir(), "maxwells-daemon-hostile-"));

  constructor() {
    const code = `require("node:fs").appendFileSync(${JSON.stringify(this.#mark)}, process.argv.join(" ") + "\\n");\n`;
    const write = (path: string, text: string) => writeFileSync(join(this.path, path), text);
    write("code.ts", code);
    write(
      "bunfig.toml",
      'preload = ["./code.ts"]\n[install]\nauto = "force"\nregistry = "http://127.0.0.1:9/"\n',
    );
    for (const name of ENVIRONMENT_FILES) write(name, ENVIRONMENT);
    const paths = Object.fromEntries(["*", "node:*", ...PACKAGES].map((name) => [name, ["./code.ts"]]));
    const compilerOptions = { baseUrl: ".", paths, jsxImportSource: "pg" };
    for (const name of ["tsconfig.json", "jsconfig.json"]) write(name, JSON.stringify({ compilerOptions }));
    const imports = Object.fromEntries(PACKAGES.map((name) => [`#${name}`, "./code.ts"]));
    const scripts = { preinstall: "bun code.ts", start: "bun code.ts" };
    write(
      "package.json",
      JSON.stringify({ main: "code.ts", imports, scripts, browser: { pg: "./code.ts" } }),
    );
    for (const name of PACKAGES) {
      mkdirSync(join(this.path, "node_modules", name), { recursive: true });
      write(`node_modules/${name}/index.js`, code);
    }
  }

  /** How often the attacker's code has run, and in which processes; empty if never. */
  get obeyed(): string {
    return existsSync(this.#mark) ? readFileSync(this.#mark, "utf8") : "";
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  get #mark(): string {
    return join(this.path, "obeyed");
  }
}

/** Command lines that import everything that the program can import, each of which ends by itself. */
export const INVOCATIONS: readonly (readonly string[])[] = [
  ["version"],
  ["help"],
  ["help", "set"],
  ["completion", "bash"],
  ["check", "-o", "json"],
  ["schema", "config"],
  ["plan"],
  ["ask", "-socket", "./nobody.sock"],
  ["status", "-admin", "127.0.0.1:9"],
  ["doctor", "-socket", "./nobody.sock", "-admin", "127.0.0.1:9"],
  ["get", "-store", "constant:0.25"],
  ["history", "-store", "file:./nothing.json"],
  ["set", "canary", "1%", "-store", "file:./nothing.json"],
  ["remove", "canary", "-store", "file:./nothing.json"],
  ["release", "-store", "file:./nothing.json"],
  ["release", "canary", "-of", "v42", "-store", "file:./nothing.json"],
  ["promote", "-expect-step", "1", "-store", "file:./nothing.json"],
  ["pause", "-store", "file:./nothing.json"],
  ["resume", "-store", "file:./nothing.json"],
  ["abort", "-store", "file:./nothing.json"],
  ["undo", "-store", "file:./nothing.json"],
  ["finish", "-deployed", "v42", "-store", "file:./nothing.json"],
  ["freeze", "on", "-store", "file:./nothing.json"],
  ["explain", "-store", "file:./nothing.json"],
  ["simulate", "1%:1m,100%:1m", "-rate", "100", "-errors", "1%"],
  ["judge", "./nothing.json", "./nothing.jsonl"],
  ["copy", "-store", "constant:0.25", "-to", "file:./copy.json"],
  ["init-store", "-store", "postgres://127.0.0.1:9/rollouts"],
  ["get", "-store", "mariadb://127.0.0.1:9/rollouts"],
  ["get", "-store", "redis://127.0.0.1:9"],
  ["get", "-store", "etcd://127.0.0.1:9"],
  ["get", "-store", "nats://127.0.0.1:9"],
  ["get", "-store", "dynamodb:"],
];
