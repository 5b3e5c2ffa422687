/** The page of notices: its examples are what the daemon sends, and its programs verify it. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "../../src/config/option.ts";
import { EXTRAS, TYPES } from "../../src/notices/notice.ts";
import { readSecret } from "../../src/notices/signature.ts";
import { slack } from "../../src/notices/slack.ts";
import { webhook } from "../../src/notices/webhook.ts";
import { ABORTED, SECRET } from "./world.ts";

const PAGE = await Bun.file(join(import.meta.dir, "../../docs/notices.md")).text();

/** A compiler builds its own library too, the first time. */
const BUILD_MS = 120_000;

/** The blocks of code with this mark. */
function blocks(fence: string): string[] {
  return Array.from(
    PAGE.matchAll(new RegExp(`^\`\`\`${fence}\n([\\s\\S]*?)^\`\`\``, "gm")),
    ([, code = ""]) => code,
  );
}

function requestNow(secret = SECRET, nowMs = Date.now()) {
  const key = readSecret(secret);
  if (key instanceof Problem) throw new Error(key.message);
  return webhook.request(ABORTED, nowMs, [key]);
}

describe("the examples are those of the code", () => {
  const [ofWebhook = "", ofSlack = ""] = blocks("json");

  test("for a webhook", () => {
    expect(JSON.parse(ofWebhook)).toEqual(JSON.parse(requestNow().body));
    expect(PAGE).toContain(`webhook-id: ${ABORTED.id}`);
  });

  test("for Slack", () => {
    expect(JSON.parse(ofSlack)).toEqual(JSON.parse(slack.request(ABORTED, 0, []).body));
  });

  test("for the configuration file", () => {
    const [file = ""] = blocks("toml");
    expect(Object.keys(Bun.TOML.parse(file))).toEqual(["releases", "notify", "notify-secret"]);
  });
});

test("the table has each type once, and the severities that it can have", () => {
  const rows = Array.from(PAGE.matchAll(/^\| `release\.(\w+)` \| ([a-z, ]+) \|/gm));
  const types = rows.map(([, type]) => type);
  expect(types.toSorted()).toEqual([...new Set([...Object.values(TYPES), ...Object.keys(EXTRAS)])].sort());
  for (const [, type, severities] of rows) {
    const extra = Object.entries(EXTRAS).find(([name]) => name === type);
    if (extra !== undefined) expect(severities).toBe(extra[1]);
  }
});

const directory = mkdtempSync(join(tmpdir(), "md-notices-"));
afterAll(() => rmSync(directory, { recursive: true }));

const GO_IMPORTS = [
  ...["crypto/hmac", "crypto/sha256", "encoding/base64", "encoding/json", "fmt", "os", "slices"],
  ...["strconv", "strings", "time"],
];

interface Program {
  readonly fence: string;
  readonly tool: string;
  /** A whole program. Its first argument is `{ secret, headers, body }` as JSON; it prints true or false. */
  program(code: string): string;
  readonly file: string;
  build?(file: string): readonly string[];
  command(file: string): readonly string[];
}

const PROGRAMS: readonly Program[] = [
  {
    ...{ fence: "python", tool: "python3", file: "verify.py", command: (file) => ["python3", file] },
    program: (code) =>
      `${code}\nimport json, sys\ngiven = json.loads(sys.argv[1])\n` +
      'print(str(verify(given["secret"], given["headers"], given["body"].encode())).lower())\n',
  },
  {
    ...{ fence: "js", tool: "node", file: "verify.mjs", command: (file) => ["node", file] },
    program: (code) =>
      `${code}\nconst { secret, headers, body } = JSON.parse(process.argv[2]);\n` +
      "console.log(verify(secret, headers, Buffer.from(body)));\n",
  },
  {
    ...{ fence: "go", tool: "go", file: "verify.go", command: (file) => [`${file}.exe`] },
    build: (file) => ["go", "build", "-o", `${file}.exe`, file],
    program: (code) =>
      `package main\n\nimport (${GO_IMPORTS.map((name) => `"${name}"`).join("; ")})\n\n${code}\n` +
      "func main() {\nvar given struct { Secret string; Headers map[string]string; Body string }\n" +
      "json.Unmarshal([]byte(os.Args[1]), &given)\n" +
      'of := func(name string) string { return given.Headers["webhook-" + name] }\n' +
      'fmt.Println(verify(given.Secret, of("id"), of("timestamp"), of("signature"), []byte(given.Body)))\n}\n',
  },
];

describe.each(PROGRAMS)("the program in $fence", ({ fence, tool, program, file, build, command }) => {
  const [code = ""] = blocks(fence);
  const path = join(directory, file);
  const isThere = Bun.which(tool) !== null;

  beforeAll(() => {
    writeFileSync(path, program(code));
    if (!isThere || build === undefined) return;
    const { exitCode, stderr } = Bun.spawnSync([...build(path)]);
    if (exitCode !== 0) throw new Error(String(stderr));
  }, BUILD_MS);

  function verify(secret: string, { headers, body }: ReturnType<typeof requestNow>): string {
    const given = JSON.stringify({ secret, headers, body });
    const { stdout, stderr } = Bun.spawnSync([...command(path), given]);
    return `${stdout}${stderr}`.trim();
  }

  const other = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

  test.skipIf(!isThere)("takes a notice of this daemon, and no other", () => {
    const request = requestNow();
    expect(verify(SECRET, request)).toBe("true");
    const both = { ...request.headers };
    const ofOther = requestNow(other).headers["webhook-signature"] ?? "";
    both["webhook-signature"] = `${ofOther} v1a,x ${both["webhook-signature"]}`;
    expect(verify(SECRET, { ...request, headers: both })).toBe("true");
    expect(verify(other, request)).toBe("false");
    expect(verify(SECRET, { ...request, body: `${request.body} ` })).toBe("false");
    expect(verify(SECRET, requestNow(SECRET, Date.now() - 3_600_000))).toBe("false");
  });
});
