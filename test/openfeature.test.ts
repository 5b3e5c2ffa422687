/**
 * The programs on `docs/openfeature.md`, unchanged, against a real daemon that answers, hangs, or is gone.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PYPI } from "../scripts/test/needs.ts";
import { DaemonHome, type DaemonProcess } from "./support/daemon-process.ts";
import { eventually } from "./support/eventually.ts";
import { LineClient } from "./support/line.ts";
import { nginxMissing, startNginx } from "./support/nginx.ts";
import { codeIn, outputOf } from "./support/page-program.ts";
import { freePort } from "./support/port.ts";

const ROOT = join(import.meta.dir, "..");
const PAGE = await Bun.file(join(ROOT, "docs/openfeature.md")).text();

const VISITORS = 200;

/** A program waits for 50 ms a question. This still finds one that waits without an end. */
const RUN_MS = 20_000;

const RECORDS = { canary: 0.3, blue: { rollout: 0.2, offset: 0.5 } };

interface Language {
  readonly name: string;
  /** The heading of the page's section, and the mark of its program. */
  readonly section: string;
  readonly fence: string;
  /** Runs the program in this file. */
  command(file: string): readonly string[];
  readonly file: string;
  /** Whether the tool and the packages are there. In CI they have to be. */
  readonly isPresent: boolean;
  /** The time limit as the page writes it, and a longer one. */
  readonly patience: readonly [shipped: string, patient: string];
  /** A whole program: its arguments are a cookie and users, and it prints a location for each user. */
  program(code: string): string;
  /** Gets the packages and compiles, in the folder of the program. */
  build?(folder: string): Promise<void>;
}

/** The versions with which the page's programs were tested. */
const GO_PACKAGES = [
  ["github.com/open-feature/go-sdk", "v1.20.0"],
  ["github.com/open-feature/go-sdk-contrib/providers/ofrep", "v0.1.7"],
] as const;
const JAVA_PACKAGES = [
  ["dev.openfeature", "sdk", "1.18.0"],
  ["dev.openfeature.contrib.providers", "ofrep", "0.0.1"],
  // Without it the SDK complains that no program hears its log.
  ["org.slf4j", "slf4j-nop", "2.0.17"],
] as const;

/** A cold cache and a busy machine. */
const BUILD_MS = 240_000;

const LANGUAGES: readonly Language[] = [
  {
    ...{ name: "Node", section: "Node", fence: "js", file: "ask.mjs" },
    command: (file) => [Bun.which("node") ?? "node", file],
    isPresent: Bun.which("node") !== null,
    patience: ["timeout(50)", "timeout(5000)"],
    program: (code) =>
      `${code}\nconst [, , cookie, ...users] = process.argv;\n` +
      "for (const user of users) console.log(await location(user, cookie));\n",
  },
  {
    ...{ name: "Python", section: "Python", fence: "python", file: "ask.py" },
    command: (file) => ["python3", file],
    isPresent:
      Bun.which("python3") !== null && existsSync(`${PYPI}/openfeature_provider_ofrep-0.3.0.dist-info`),
    patience: ["timeout=0.05", "timeout=5"],
    program: (code) =>
      `import logging, sys\nlogging.disable(logging.CRITICAL)\n${code}\n` +
      "for user in sys.argv[2:]:\n    print(location(user, sys.argv[1]))\n",
  },
  {
    ...{ name: "Go", section: "Go", fence: "go", file: "ask.go" },
    command: (file) => [join(dirname(file), "ask")],
    isPresent: Bun.which("go") !== null,
    patience: ["50*time.Millisecond", "5000*time.Millisecond"],
    program: (code) =>
      `package main\n\nimport ("context"; "fmt"; "os"; "time"; "${GO_PACKAGES[0][0]}/openfeature"; ` +
      `"${GO_PACKAGES[1][0]}")\n\n${code}\n` +
      "func main() { for _, user := range os.Args[2:] { fmt.Println(location(user, os.Args[1])) } }\n",
    async build(folder) {
      const needed = GO_PACKAGES.map((each) => `require ${each.join(" ")}`).join("\n");
      writeFileSync(join(folder, "go.mod"), `module ask\n\ngo 1.24\n\n${needed}\n`);
      await done(["go", "build", "-mod=mod", "-o", "ask", "ask.go"], folder);
    },
  },
  {
    ...{ name: "Java", section: "Java", fence: "java", file: "Ask.java" },
    command: (file) => ["java", "-XX:TieredStopAtLevel=1", `@${join(dirname(file), "classpath")}`, "Ask"],
    isPresent: Bun.which("javac") !== null && Bun.which("mvn") !== null,
    patience: ['"master", 50,', '"master", 5000,'],
    program: (code) =>
      "import dev.openfeature.contrib.providers.ofrep.*; import dev.openfeature.sdk.*;\n" +
      "import java.util.*; import java.util.concurrent.*;\nclass Ask {\n" +
      `${code}\npublic static void main(String[] words) {\n` +
      "for (int i = 1; i < words.length; i++) System.out.println(location(words[i], words[0]));\n" +
      "System.exit(0);\n}\n}\n",
    async build(folder) {
      jars ??= jarsOf(folder);
      writeFileSync(join(folder, "classpath"), `-cp "${await jars}:${folder}"`);
      await done(["javac", "-cp", await jars, "Ask.java"], folder);
    },
  },
  {
    ...{ name: "PHP", section: "PHP", fence: "php", file: "ask.php" },
    command: (file) => ["php", "-d", "error_reporting=-1", "-d", "display_errors=stderr", file],
    isPresent: Bun.which("php") !== null,
    patience: ["$seconds = 0.05", "$seconds = 5"],
    program: (code) =>
      `<?php\n${code}\nforeach (array_slice($argv, 2) as $user) echo location($user, $argv[1]), "\\n";\n`,
  },
  {
    ...{ name: "Ruby", section: "Ruby", fence: "ruby", file: "ask.rb" },
    command: (file) => ["ruby", "-w", file],
    isPresent: Bun.which("ruby") !== null,
    patience: ["seconds: 0.05", "seconds: 5"],
    program: (code) => `${code}\nARGV.drop(1).each { |user| puts location(user, ARGV[0]) }\n`,
  },
];

/** The path of Java's packages. */
let jars: Promise<string> | undefined;

async function jarsOf(folder: string): Promise<string> {
  const needed = JAVA_PACKAGES.map(
    ([group, name, version]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId>` +
      `<version>${version}</version></dependency>`,
  ).join("");
  const project = "<modelVersion>4.0.0</modelVersion><groupId>ask</groupId><artifactId>ask</artifactId>";
  const pom = `<project>${project}<version>1</version><dependencies>${needed}</dependencies></project>`;
  writeFileSync(join(folder, "pom.xml"), pom);
  const plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath";
  await done(["mvn", "-q", "-B", plugin, "-Dmdep.outputFile=jars"], folder);
  return Bun.file(join(folder, "jars")).text();
}

let directory: string;
let home: DaemonHome;
let daemon: DaemonProcess;
let port: number;
/** The locations of the users over the line protocol. */
const expected = new Map<string, string>();

const USERS = ["user@example.com", "é", "日本語", "a b=c%41", 'a"b\\c', "0.42"];
for (let i = USERS.length; i < VISITORS; i++) USERS.push(`user-${i}`);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "openfeature-"));
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
  port = await freePort();
  home = new DaemonHome({ records: RECORDS, flags: ["-http", `127.0.0.1:${port}`] });
  daemon = await home.start();
  const line = await LineClient.connect({ path: home.socket });
  for (const user of USERS) expected.set(user, (await line.ask(` key=${encodeURIComponent(user)}`)).location);
  line.socket.destroy();
});

afterAll(async () => {
  await daemon.end("SIGKILL");
  home.remove();
  rmSync(directory, { recursive: true });
});

for (const language of LANGUAGES) {
  const { name, isPresent } = language;
  if (!isPresent && process.env["CI"]) throw new Error(`${name} cannot be tested here`);
  if (!isPresent) console.warn(`skipped: the program for ${name}: it is not installed`);

  describe.skipIf(!isPresent)(`the page's program for ${name}`, () => {
    let patient: readonly string[];
    let shipped: readonly string[];

    beforeAll(async () => {
      patient = await made(language, "patient", true);
      shipped = await made(language, "shipped", false);
    }, BUILD_MS);

    test("OFR-1, OFR-5: each user has the location of the line protocol", async () => {
      const locations = await run(patient, "", ...USERS);
      expect(new Set(locations)).toEqual(new Set(["master", "canary", "blue"]));
      expect(locations).toEqual(USERS.map((user) => expected.get(user) ?? "unasked"));
    }, 60_000);

    test("OFR-6: the visitor's cookie counts before the user", async () => {
      const [first = "", second = ""] = USERS;
      expect(await run(patient, "0.1", first, second)).toEqual(["canary", "canary"]);
      expect(await run(patient, "0.6", first, second)).toEqual(["blue", "blue"]);
      expect(await run(patient, "not a number", first, second)).toEqual(["master", "master"]);
    }, 60_000);

    test("if the daemon hangs or is gone, the location is master, in time and without an error", async () => {
      daemon.signal("SIGSTOP");
      try {
        expect(await run(shipped, "0.1", "a", "b")).toEqual(["master", "master"]);
      } finally {
        daemon.signal("SIGCONT");
      }
      await daemon.end("SIGKILL");
      try {
        expect(await run(shipped, "0.1", "a", "b")).toEqual(["master", "master"]);
      } finally {
        daemon = await home.start();
      }
    }, 60_000);
  });
}

/** A browser's parts that Node has not: the page's address, its cookie, and `EventSource`. */
const AS_IN_A_BROWSER = `
import { EventSource } from "eventsource";
globalThis.EventSource = EventSource;
globalThis.window = { location: { origin: process.argv[2] } };
const plain = globalThis.fetch;
globalThis.fetch = (request, init) => {
  const headers = new Headers(request.headers);
  headers.set("cookie", "maxwellsdaemon=0.45");
  return plain(new Request(request, { headers }), init);
};
`;

const AND_TELLS = `
console.log(location());
flags.addHandler("PROVIDER_CONFIGURATION_CHANGED", () => console.log(location()));
`;

describe.skipIf(nginxMissing() !== undefined)("the page's program for browsers, behind nginx", () => {
  test("OFR-11, OFR-14: it has the cookie's location, hears of changes, and sees no other application", async () => {
    const site = await freePort();
    const lines = blockOf("Browsers", "nginx").replace("127.0.0.1:6294", `127.0.0.1:${port}`);
    const nginx = await startNginx(directory, site, `server { listen 127.0.0.1:${site};\n${lines}\n}`);
    const file = join(directory, "page.mjs");
    writeFileSync(file, AS_IN_A_BROWSER + blockOf("Browsers", "js") + AND_TELLS);
    const page = Bun.spawn([Bun.which("node") ?? "node", file, nginx.url], {
      stdout: "pipe",
      stderr: "pipe",
    });
    let told = "";
    const reading = (async () => {
      for await (const text of page.stdout.pipeThrough(new TextDecoderStream())) told += text;
    })();
    try {
      await eventually(() => told === "master\n", "the page has its location");
      home.write({ canary: 0.5 });
      await eventually(() => told === "master\ncanary\n", "the page hears of the change");
      home.write({ canary: 0 });
      await eventually(() => told.endsWith("canary\nmaster\n"), "the page hears of the abort");
      const body = JSON.stringify({ context: { "maxwellsdaemon-application": "other", targetingKey: "a" } });
      const all = await fetch(`${nginx.url}/ofrep/v1/evaluate/flags`, { method: "POST", body });
      const { flags, eventStreams } = (await all.json()) as Record<string, unknown>;
      expect((flags as { key: string }[]).map(({ key }) => key)).toEqual(["website", "website.canary"]);
      expect(JSON.stringify(eventStreams)).toContain("/ofrep/events?application=website");
    } finally {
      page.kill();
      await Promise.all([page.exited, reading, nginx.stop()]);
      home.write(RECORDS);
    }
  }, 60_000);
});

/** The code of a section of the page. */
function blockOf(section: string, fence: string): string {
  const [, text = ""] =
    new RegExp(`^## ${section}$([\\s\\S]*?)(?=^## |\\Z)`, "m").exec(`${PAGE}\n## End`) ?? [];
  return codeIn(text, fence);
}

/** Writes the program, and builds it if necessary; returns the command that runs it. */
async function made(language: Language, kind: string, isPatient: boolean): Promise<readonly string[]> {
  const { name, section, fence, patience, program, file, command } = language;
  const code = blockOf(section, fence);
  let text = code.replaceAll("127.0.0.1:6294", `127.0.0.1:${port}`);
  if (text === code) throw new Error(`${section} names no address`);
  if (!text.includes(patience[0])) throw new Error(`${section} should have ${patience[0]}`);
  if (isPatient) text = text.replaceAll(...patience);
  const folder = mkdtempSync(join(directory, `${name}-${kind}-`));
  writeFileSync(join(folder, file), program(text));
  await language.build?.(folder);
  return command(join(folder, file));
}

/** Runs a tool that gets packages or compiles. Its caches stay for the next run. */
async function done(command: readonly string[], folder: string): Promise<void> {
  const child = Bun.spawn([...command], { cwd: folder, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const texts = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}\n${texts.join("")}`);
}

/** Runs the program. It must end by itself, with status 0 and without complaints. */
async function run(command: readonly string[], ...words: readonly string[]): Promise<string[]> {
  const ran = { home: directory, timeoutMs: RUN_MS, env: { PYTHONPATH: PYPI } };
  return (await outputOf([...command, ...words], ran)).split("\n");
}
