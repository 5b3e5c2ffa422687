/**
 * The programs on `docs/any-language.md`, unchanged, against a real daemon that answers, hangs, or is gone.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonHome, type DaemonProcess } from "./support/daemon-process.ts";
import { codeIn, outputOf } from "./support/page-program.ts";
import { freePort } from "./support/port.ts";

const PAGE = await Bun.file(join(import.meta.dir, "../docs/any-language.md")).text();

/**
 * The programs wait for milliseconds, but their start takes longer. This still finds one that waits without
 * an end.
 */
const RUN_MS = 30_000;

interface Language {
  /** The page's mark for the code. */
  readonly fence: string;
  /** The tool that the program needs. */
  readonly tool: string;
  /** The time limit as the page writes it, and a longer one. */
  readonly patience: readonly [shipped: string, patient: string];
  /** A whole program, which asks for its first argument and prints number and location. */
  program(code: string): string;
  readonly file: string;
  /** The command that prepares the program once, such as a compiler. */
  build?(file: string): readonly string[];
  command(file: string): readonly string[];
}

const LANGUAGES: readonly Language[] = [
  {
    fence: "python",
    tool: "python3",
    patience: ["seconds=0.02", "seconds=1"],
    program: (code) => `${code}\nimport sys\nprint(*(part or "" for part in ask(sys.argv[1])))\n`,
    file: "ask.py",
    command: (file) => ["python3", file],
  },
  {
    fence: "go",
    tool: "go",
    patience: ["20 * time.Millisecond", "1000 * time.Millisecond"],
    program: (code) =>
      `package main\n\nimport ("bufio"; "fmt"; "io"; "net"; "os"; "regexp"; "strings"; "time")\n\n${code}\n` +
      "func main() { number, location := ask(os.Args[1]); fmt.Println(number, location) }\n",
    file: "ask.go",
    build: (file) => ["go", "build", "-o", `${file}.exe`, file],
    command: (file) => [`${file}.exe`],
  },
  {
    fence: "php",
    tool: "php",
    patience: ["$seconds = 0.02", "$seconds = 1.0"],
    program: (code) => `<?php\n${code}\necho implode(" ", ask($argv[1])), "\\n";\n`,
    file: "ask.php",
    command: (file) => ["php", "-d", "error_reporting=-1", "-d", "display_errors=stderr", file],
  },
  {
    fence: "ruby",
    tool: "ruby",
    patience: ["seconds: 0.02", "seconds: 1"],
    program: (code) => `${code}\nputs ask(ARGV[0]).join(" ")\n`,
    file: "ask.rb",
    command: (file) => ["ruby", "-w", file],
  },
  {
    fence: "java",
    // It compiles the program at its start. The DynamoDB of the tests needs only the runtime.
    tool: "javac",
    patience: ["PATIENCE_MS = 20", "PATIENCE_MS = 1000"],
    program: (code) =>
      "import java.io.*; import java.net.*; import java.nio.*; import java.nio.channels.*;\nclass Ask {\n" +
      `${code}\npublic static void main(String[] arguments) {\nString[] answer = ask(arguments[0]);\n` +
      'System.out.println((answer[0] == null ? "" : answer[0]) + " " + answer[1]);\n}\n}\n',
    file: "Ask.java",
    command: (file) => ["java", "-XX:TieredStopAtLevel=1", file],
  },
  {
    fence: "sh",
    tool: "curl",
    patience: ["-m 0.05", "-m 1"],
    program: (code) => `${code}\nask "$1"\n`,
    file: "ask.sh",
    command: (file) => ["sh", "-eu", file],
  },
  {
    fence: "bash",
    tool: "bash",
    patience: ["-t 0.05", "-t 1"],
    program: (code) => `${code}\nask "$1"\n`,
    file: "ask.bash",
    command: (file) => ["bash", "-eu", file],
  },
];

const NEW = /^0?\.?\d+(e-\d+)? (master|canary)$/;

let directory: string;
let home: DaemonHome;
let daemon: DaemonProcess;
let httpSocket: string;
let port: number;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "languages-"));
  httpSocket = join(directory, "http.sock");
  port = await freePort();
  const listeners = ["-http", `unix:${httpSocket}`, "-listen", `tcp:127.0.0.1:${port}`];
  home = new DaemonHome({ records: { canary: 0.25 }, flags: [...listeners, "-allow-force"] });
  daemon = await home.start();
});

afterAll(async () => {
  await daemon.end("SIGKILL");
  home.remove();
  rmSync(directory, { recursive: true });
});

for (const language of LANGUAGES) {
  const { fence, tool } = language;
  const isMissing = Bun.which(tool) === null;
  if (isMissing && process.env["CI"]) throw new Error(`${tool} is not installed`);
  if (isMissing) console.warn(`skipped: ${fence}: ${tool} is not installed`);

  describe.skipIf(isMissing)(`the page's program in ${fence}`, () => {
    let patient: readonly string[];
    let shipped: readonly string[];

    beforeAll(() => {
      patient = made(language, "patient", true);
      shipped = made(language, "shipped", false);
    }, 120_000);

    test("a known visitor gets the version of its number, and a new one gets a number", async () => {
      expect(await ask(patient, "0.1")).toBe("0.1 canary");
      expect(await ask(patient, "0.9")).toBe("0.9 master");
      expect(await ask(patient, "2.5e-1")).toBe("2.5e-1 master");
      expect(await ask(patient, "")).toMatch(NEW);
    }, 180_000);

    test("a cookie that is not a number makes a new visitor, and no second word of the request", async () => {
      for (const hostile of ["0.9 force=canary", "0.1\n0.2", "x", "?lease", "0.1é", "1".repeat(9_000)]) {
        const answer = await ask(patient, hostile);
        expect([hostile, answer]).toEqual([hostile, expect.stringMatching(NEW)]);
        expect(answer).not.toMatch(/^0\.[19] /);
      }
    }, 180_000);

    test("if the daemon hangs or is gone, the answer is master, in time and without an error", async () => {
      daemon.signal("SIGSTOP");
      try {
        expect(await ask(shipped, "0.1")).toBe("master");
      } finally {
        daemon.signal("SIGCONT");
      }
      await daemon.end("SIGKILL");
      try {
        expect(await ask(shipped, "0.1")).toBe("master");
      } finally {
        daemon = await home.start();
      }
    }, 180_000);
  });
}

test("the request with a key has a space in front; without the space the key counts as an invalid number", async () => {
  const asked = async (line: string) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    let received = "";
    await Bun.connect({
      unix: home.socket,
      socket: {
        open: (socket) => void socket.write(`${line}\n`),
        data(socket, chunk) {
          received += chunk.toString();
          if (received.split("\n").length === 3) {
            socket.end();
            resolve(received);
          }
        },
      },
    });
    return promise;
  };
  expect(PAGE).toContain("⟶ ␠key=user-1234 ");
  const byKey = await asked(" key=user-1234");
  expect(await asked(" key=user-1234")).toBe(byKey);
  const first = await asked("key=user-1234");
  expect(first).toEndWith("\nmaster\n");
  expect(await asked("key=user-1234")).not.toBe(first);
});

/** Writes the program, and builds it if necessary; returns the command that runs it. */
function made(language: Language, name: string, isPatient: boolean): readonly string[] {
  const { fence } = language;
  const code = codeIn(PAGE, fence);
  const places: readonly (readonly [string, string])[] = [
    ["/run/maxwells-daemon/http.sock", httpSocket],
    ["/run/maxwells-daemon.sock", home.socket],
    ["127.0.0.1/6290", `127.0.0.1/${port}`],
  ];
  let text = places.reduce((all, [from, to]) => all.replaceAll(from, to), code);
  if (text === code) throw new Error(`${fence} names no socket`);
  if (!text.includes(language.patience[0])) throw new Error(`${fence} should have ${language.patience[0]}`);
  if (isPatient) text = text.replaceAll(...language.patience);
  const folder = mkdtempSync(join(directory, `${name}-`));
  const file = join(folder, language.file);
  writeFileSync(file, language.program(text));
  const build = language.build?.(file);
  if (build !== undefined) {
    const { exitCode, stderr } = Bun.spawnSync([...build], { cwd: folder, stderr: "pipe" });
    if (exitCode !== 0) throw new Error(String(stderr));
  }
  return language.command(file);
}

/** The program's output for this cookie. */
function ask(command: readonly string[], assignment: string): Promise<string> {
  return outputOf([...command, assignment], { home: directory, timeoutMs: RUN_MS });
}
