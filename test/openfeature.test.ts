/**
 * The programs on `docs/openfeature.md`, unchanged, against a real daemon that answers, hangs, or is gone.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  readonly command: readonly [tool: string, ...flags: string[]];
  readonly file: string;
  /** Whether the tool and the packages are there. In CI they have to be, if the program needs no more. */
  readonly isPresent: boolean;
  readonly isNeeded: boolean;
  /** The time limit as the page writes it, and a longer one. */
  readonly patience: readonly [shipped: string, patient: string];
  /** A whole program: its arguments are a cookie and users, and it prints a location for each user. */
  program(code: string): string;
}

const LANGUAGES: readonly Language[] = [
  {
    ...{ name: "Node", section: "Node", fence: "js", file: "ask.mjs", isNeeded: true },
    command: [Bun.which("node") ?? "node"],
    isPresent: Bun.which("node") !== null,
    patience: ["timeout(50)", "timeout(5000)"],
    program: (code) =>
      `${code}\nconst [, , cookie, ...users] = process.argv;\n` +
      "for (const user of users) console.log(await location(user, cookie));\n",
  },
  {
    ...{ name: "Python", section: "Python", fence: "python", file: "ask.py", isNeeded: true },
    command: ["python3"],
    isPresent:
      Bun.which("python3") !== null && existsSync(`${PYPI}/openfeature_provider_ofrep-0.3.0.dist-info`),
    patience: ["timeout=0.05", "timeout=5"],
    program: (code) =>
      `import logging, sys\nlogging.disable(logging.CRITICAL)\n${code}\n` +
      "for user in sys.argv[2:]:\n    print(location(user, sys.argv[1]))\n",
  },
  {
    ...{ name: "PHP", section: "PHP", fence: "php", file: "ask.php", isNeeded: false },
    command: ["php", "-d", "error_reporting=-1", "-d", "display_errors=stderr"],
    isPresent: Bun.which("php") !== null,
    patience: ["$seconds = 0.05", "$seconds = 5"],
    program: (code) =>
      `<?php\n${code}\nforeach (array_slice($argv, 2) as $user) echo location($user, $argv[1]), "\\n";\n`,
  },
];

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
  if (!isPresent && language.isNeeded && process.env["CI"]) throw new Error(`${name} cannot be tested here`);
  if (!isPresent) console.warn(`skipped: the program for ${name}: it is not installed`);

  describe.skipIf(!isPresent)(`the page's program for ${name}`, () => {
    test("OFR-1, OFR-5: each user has the location of the line protocol", async () => {
      const locations = await run(language, true, "", ...USERS);
      expect(new Set(locations)).toEqual(new Set(["master", "canary", "blue"]));
      expect(locations).toEqual(USERS.map((user) => expected.get(user) ?? "unasked"));
    }, 60_000);

    test("OFR-6: the visitor's cookie counts before the user", async () => {
      const [first = "", second = ""] = USERS;
      expect(await run(language, true, "0.1", first, second)).toEqual(["canary", "canary"]);
      expect(await run(language, true, "0.6", first, second)).toEqual(["blue", "blue"]);
      expect(await run(language, true, "not a number", first, second)).toEqual(["master", "master"]);
    }, 60_000);

    test("if the daemon hangs or is gone, the location is master, in time and without an error", async () => {
      daemon.signal("SIGSTOP");
      try {
        expect(await run(language, false, "0.1", "a", "b")).toEqual(["master", "master"]);
      } finally {
        daemon.signal("SIGCONT");
      }
      await daemon.end("SIGKILL");
      try {
        expect(await run(language, false, "0.1", "a", "b")).toEqual(["master", "master"]);
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

/** Runs the program. It must end by itself, with status 0 and without complaints. */
async function run(
  { section, fence, patience, program, file, command }: Language,
  isPatient: boolean,
  ...words: readonly string[]
): Promise<string[]> {
  const code = blockOf(section, fence);
  let text = code.replaceAll("127.0.0.1:6294", `127.0.0.1:${port}`);
  if (text === code) throw new Error(`${section} names no address`);
  if (!text.includes(patience[0])) throw new Error(`${section} should have ${patience[0]}`);
  if (isPatient) text = text.replaceAll(...patience);
  const path = join(directory, file);
  writeFileSync(path, program(text));
  const ran = { home: directory, timeoutMs: RUN_MS, env: { PYTHONPATH: PYPI } };
  return (await outputOf([...command, path, ...words], ran)).split("\n");
}
