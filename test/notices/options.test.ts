import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configFile } from "../../src/config/config-file.ts";
import { loadSettings, Problems } from "../../src/config/load.ts";
import {
  DESTINATIONS_MAX,
  NOTICE_CHECKS,
  NOTICE_OPTIONS,
  notify,
  notifySecret,
  SecretError,
  signingKeys,
} from "../../src/notices/options.ts";
import { SECRET } from "./world.ts";

const SLACK = "https://hooks.slack.com/services/T0/B0/s3cret";
const WEBHOOK = "https://hooks.example.com:8443/releases/s3cret";

function load(argv: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const readFile = () => "";
  const options = [...NOTICE_OPTIONS, configFile];
  return loadSettings({ argv, environment, readFile }, { options, crossChecks: NOTICE_CHECKS });
}

function settingsOf(argv: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const loaded = load(argv, environment);
  if (loaded instanceof Problems) throw new Error(loaded.messages.join("\n"));
  return loaded.settings;
}

function problemOf(argv: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  const loaded = load(argv, environment);
  return loaded instanceof Problems ? loaded.messages.join("\n") : "";
}

const ENVIRONMENT = { MAXWELLS_DAEMON_NOTIFY_SECRET: SECRET };

describe("-notify", () => {
  test("is not set by default", () => {
    expect(settingsOf([]).get(notify)).toEqual([]);
  });

  test("takes several addresses, each of its form, with names that hide the path", () => {
    const settings = settingsOf(["-notify", SLACK, "-notify", WEBHOOK], ENVIRONMENT);
    const destinations = settings.get(notify);
    expect(destinations.map(({ form, url }) => [form.name, url])).toEqual([
      ["slack", SLACK],
      ["webhook", WEBHOOK],
    ]);
    expect(destinations.map(({ name }) => name)).toEqual([
      expect.stringMatching(/^slack hooks\.slack\.com [0-9a-f]{8}$/),
      expect.stringMatching(/^webhook hooks\.example\.com:8443 [0-9a-f]{8}$/),
    ]);
    expect(destinations.map(({ name, mark }) => name.endsWith(mark))).toEqual([true, true]);
  });

  test("has the same mark on each daemon, and another one for another address or form", () => {
    const mark = (...texts: string[]) =>
      settingsOf(
        texts.flatMap((text) => ["-notify", text]),
        ENVIRONMENT,
      ).get(notify)[0]?.mark;
    expect(mark(WEBHOOK)).toBe(mark(WEBHOOK, SLACK));
    expect(new Set([mark(SLACK), mark(WEBHOOK), mark(`slack+${WEBHOOK}`), mark(`${WEBHOOK}2`)]).size).toBe(4);
  });

  test.each([
    ["http", "write https://HOST/PATH"],
    ["mailto:ada@example.org", "write https://HOST/PATH"],
    ["https://", "whole web address"],
    ["https://h/x#y", "whole web address"],
    ["https://ada:s3cret@h/x", "leave user and password out"],
    ["https://hooks.slack.com/triggers/s3cret", "incoming webhook"],
    [SECRET, "write https://HOST/PATH"],
  ])("%s is a problem, whose message hides the secret", (text, remedy) => {
    const problem = problemOf(["-notify", text], ENVIRONMENT);
    expect(problem).toStartWith("flag -notify: ");
    expect(problem).toContain(remedy);
    expect(problem).not.toContain("s3cret");
    expect(problem).not.toContain(SECRET);
  });

  test("is shown as its host and its mark", () => {
    const shown = notify.shown ?? String;
    expect(shown(SLACK)).toMatch(/^https:\/\/hooks\.slack\.com\/\*\*\* \([0-9a-f]{8}\)$/);
    expect(shown(`slack+${WEBHOOK}`)).toMatch(/^https:\/\/hooks\.example\.com:8443\/\*\*\* \([0-9a-f]{8}\)$/);
    expect(shown("s3cret")).toBe("***");
    expect(shown("htps://h/s3cret")).toBe("htps://***");
  });

  test("names an address once, and at most sixteen", () => {
    expect(problemOf(["-notify", SLACK, "-notify", SLACK])).toMatch(
      /slack hooks\.slack\.com [0-9a-f]{8} is named twice/,
    );
    const many = Array.from({ length: DESTINATIONS_MAX + 1 }, (_, at) => ["-notify", `${SLACK}${at}`]).flat();
    expect(problemOf(many)).toContain("17 addresses are named");
    expect(problemOf(many.slice(2))).toBe("");
  });

  test("needs a secret for each receiver that checks signatures", () => {
    expect(problemOf(["-notify", SLACK])).toBe("");
    expect(problemOf(["-notify", WEBHOOK])).toContain("needs a secret");
    expect(problemOf(["-notify", WEBHOOK, "-notify-secret", "file:/a"])).toBe("");
    expect(problemOf(["-notify", WEBHOOK], ENVIRONMENT)).toBe("");
  });
});

describe("-notify-secret", () => {
  const keys = (...argv: string[]) =>
    signingKeys(settingsOf(argv)).map((key) => `whsec_${Buffer.from(key).toString("base64")}`);

  function withFile(text: string, use: (path: string) => void): void {
    const directory = mkdtempSync(join(tmpdir(), "md-secret-"));
    const path = join(directory, "secret");
    writeFileSync(path, text);
    try {
      use(path);
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  test("comes from the environment, several separated by commas", () => {
    const settings = settingsOf([], { MAXWELLS_DAEMON_NOTIFY_SECRET: `${SECRET}, ${SECRET}` });
    expect(signingKeys(settings).length).toBe(2);
  });

  test("comes from a file with one in each line, the present one first", () => {
    const other = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
    withFile(`${SECRET}\n\n  ${other}\r\n`, (path) => {
      expect(keys("-notify-secret", `file:${path}`)).toEqual([SECRET, other]);
    });
  });

  test("is refused as a flag, because every user can read flags, and not repeated", () => {
    const problem = problemOf(["-notify-secret", SECRET]);
    expect(problem).toContain("write the secret to a file");
    expect(problem).not.toContain(SECRET.slice(6));
  });

  test.each([
    ["another text", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    ["a secret that is too short", "whsec_s3cret"],
    ["a file without a path", "file:"],
  ])("%s is a problem, which does not repeat it", (_, text) => {
    const problem = problemOf([], { MAXWELLS_DAEMON_NOTIFY_SECRET: text });
    expect(problem).toStartWith("environment MAXWELLS_DAEMON_NOTIFY_SECRET: ");
    if (!text.startsWith("file:")) expect(problem).not.toContain(text.slice(6));
  });

  test.each([
    ["empty", ""],
    ["with one line that is wrong", `${SECRET}\ns3cret`],
    ["much too long", `${SECRET}\n`.repeat(10_000)],
  ])("a file that is %s is an error with its path, and without its text", (_, text) => {
    withFile(text, (path) => {
      const read = () => keys("-notify-secret", `file:${path}`);
      expect(read).toThrow(SecretError);
      expect(read).toThrow(path);
      expect(read).not.toThrow(SECRET.slice(6));
      expect(read).not.toThrow("s3cret");
    });
  });

  test("a file that is not there is an error with the remedy", () => {
    expect(() => keys("-notify-secret", "file:/no/such/file")).toThrow("let this user read /no/such/file");
  });

  test("is shown only as the path of its file", () => {
    const shown = notifySecret.shown ?? String;
    expect([shown(SECRET), shown("s3cret"), shown("file:/etc/s")]).toEqual(["***", "***", "file:/etc/s"]);
  });
});
