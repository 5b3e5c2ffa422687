/** The webhook: Flagger's programs answer it, and a server that lies learns and breaks nothing. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SECRET_BYTES_MAX } from "../../src/checks/secret.ts";
import { evaluate, SUBJECT } from "../support/checks.ts";
import { startFlaggerTester } from "../support/flagger-tester.ts";
import { flood, type HostileWeb, ok, startHostileWeb } from "../support/hostile-web.ts";

const keysFor = (url: string, more = "") => `kind = "webhook"\nurl = "${url}"\n${more}`;

/** A server for one test, that gives these bytes and ends, or does what the function does. */
async function hostile(
  answer: string | Parameters<typeof startHostileWeb>[0],
): Promise<HostileWeb & AsyncDisposable> {
  const serve =
    typeof answer === "string" ? (socket: { end(text: string): unknown }) => socket.end(answer) : answer;
  const web = await startHostileWeb(serve);
  return { ...web, [Symbol.asyncDispose]: () => web.stop() };
}

describe("Flagger's load tester", () => {
  const tester = startFlaggerTester();
  afterAll(() => tester.stop());
  const post = (path: string, body: object) =>
    fetch(`${tester.url}${path}`, { method: "POST", body: JSON.stringify(body) });

  test("its gate holds the step until a person opens it for this application and version", async () => {
    const keys = keysFor(`${tester.url}/gate/check`);
    expect(await evaluate(keys)).toEqual({
      kind: "waiting",
      why: `${tester.url} answers with status 403, "Forbidden"`,
    });
    await post("/gate/open", { name: "website", namespace: "other" });
    expect(await evaluate(keys)).toMatchObject({ kind: "waiting" });
    expect(await evaluate(`${keys}namespace = "other"`)).toMatchObject({ kind: "passed" });
    await post("/gate/open", { name: "website", namespace: "canary" });
    expect(await evaluate(keys)).toEqual({
      kind: "passed",
      why: `${tester.url} answers with status 200`,
    });
    await post("/gate/close", { name: "website", namespace: "canary" });
    expect(await evaluate(keys)).toMatchObject({ kind: "waiting" });
  });

  test("its fixed gates say yes and no", async () => {
    expect(await evaluate(keysFor(`${tester.url}/gate/approve`))).toMatchObject({ kind: "passed" });
    expect(await evaluate(keysFor(`${tester.url}/gate/halt`))).toMatchObject({ kind: "waiting" });
  });

  test("it starts a load test, and gets the whole payload", async () => {
    const metadata = 'metadata = { type = "cmd", cmd = "hey -z 1m", clone = 100, release = "mine" }';
    const answer = await evaluate(keysFor(`${tester.url}/`, `phase = "Waiting"\n${metadata}`));
    expect(answer).toEqual({ kind: "passed", why: `${tester.url} answers with status 202` });
    expect(tester.tasks).toEqual([
      {
        ...{ name: "website", namespace: "canary", phase: "Waiting", checksum: SUBJECT.key },
        metadata: {
          ...{ application: "website", version: "canary", key: SUBJECT.key, of: "v42" },
          ...{ step: "2", steps: "5", rollout: "0.05" },
          ...{ type: "cmd", cmd: "hey -z 1m", clone: "100", release: "mine" },
        },
      },
    ]);
  });

  test("a task that it refuses holds the step, in its own words", async () => {
    expect(await evaluate(keysFor(`${tester.url}/`))).toEqual({
      kind: "waiting",
      why: `${tester.url} answers with status 400, "cmd not found in metadata"`,
    });
  });

  test("its rollback gate takes the release back if it is open, and only then", async () => {
    const keys = keysFor(`${tester.url}/rollback/check`, 'type = "rollback"');
    expect(await evaluate(keys)).toMatchObject({ kind: "passed" });
    await post("/rollback/open", { name: "website", namespace: "canary" });
    expect(await evaluate(keys)).toEqual({
      kind: "harm",
      why: `${tester.url} asks to take the release back (status 200)`,
    });
  });
});

describe("a rollback hook", () => {
  test.each([
    [200, "harm"],
    [204, "harm"],
    [403, "passed"],
    [404, "unknown"],
    [500, "unknown"],
    [302, "unknown"],
  ] as const)("with status %d is %s", async (status, kind) => {
    await using web = await hostile(`HTTP/1.1 ${status} x\r\nlocation: /\r\ncontent-length: 0\r\n\r\n`);
    expect(await evaluate(keysFor(web.url, 'type = "rollback"'))).toMatchObject({ kind });
  });

  test("that is gone takes no release back", async () => {
    const web = await hostile(ok(""));
    await web.stop();
    expect(await evaluate(keysFor(web.url, 'type = "rollback"'))).toEqual({
      kind: "unknown",
      why: `${web.url} does not answer (ECONNREFUSED); check the address, the network and its certificate`,
    });
  });
});

describe("a server that is slow or lies", () => {
  const QUICK = 'timeout = "300ms"';

  test.each<[what: string, answer: string | Parameters<typeof startHostileWeb>[0], why: string]>([
    ["says nothing", () => {}, "no whole answer within 0.3 s"],
    ["sends half a head", (socket) => socket.write("HTTP/1.1 200 OK\r\nx-"), "no whole answer within 0.3 s"],
    ["closes at once", (socket) => socket.destroy(), "ECONNRESET"],
    ["speaks another protocol", "SSH-2.0-OpenSSH_9\r\n", "Malformed_HTTP_Response"],
    ["never ends its head", (s) => flood(s, "HTTP/1.1 200 OK\r\nx: ".padEnd(65_536, "y")), "HeadersTooLarge"],
    [
      "sends one interim answer after another",
      (socket) => flood(socket, "HTTP/1.1 100 Continue\r\n\r\n".repeat(100)),
      "no whole answer within 0.3 s",
    ],
    ["compresses", "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n", "turn compression off"],
    ["redirects to nowhere", "HTTP/1.1 307 x\r\ncontent-length: 0\r\n\r\n", "status 307 and no target"],
    ["has no news", "HTTP/1.1 304 x\r\ncontent-length: 0\r\n\r\n", "status 304 and no target"],
    [
      "redirects to a page of login",
      "HTTP/1.1 302 x\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n",
      "answers a POST with a redirect to /login (status 302)",
    ],
    [
      "redirects in a circle",
      "HTTP/1.1 307 x\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
      "leads to more than 5 redirects",
    ],
    [
      "redirects to another port",
      "HTTP/1.1 307 x\r\nlocation: http://127.0.0.1:9/a?key=hush\r\n\r\n",
      "leads to http://127.0.0.1:9; if that is right, name it in url",
    ],
    ["redirects to a file", "HTTP/1.1 307 x\r\nlocation: file:///etc/passwd\r\n\r\n", "leads to file://;"],
  ])("that %s is unknown", async (_what, answer, why) => {
    await using web = await hostile(answer);
    const { kind, why: said } = await evaluate(keysFor(web.url, QUICK));
    expect({ kind, said }).toEqual({ kind: "unknown", said: expect.stringContaining(why) });
    expect(said).not.toContain("hush");
  });

  test("a good status counts, though its body never ends", async () => {
    await using web = await hostile((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      flood(socket, "x".repeat(65_536));
    });
    expect(await evaluate(keysFor(web.url, QUICK))).toMatchObject({ kind: "passed" });
  });

  test("a body that never ends, or stops, costs only its beginning", async () => {
    let written = () => 0;
    await using endless = await hostile((socket) => {
      written = () => socket.bytesWritten;
      socket.write("HTTP/1.1 503 x\r\n\r\n");
      flood(socket, "busy ".repeat(10_000));
    });
    const { kind, why } = await evaluate(keysFor(endless.url, 'timeout = "10s"'));
    expect(kind).toBe("waiting");
    expect(why).toContain('status 503, "busy busy ');
    expect(why.length).toBeLessThan(250);
    // In ten seconds it would write some gigabytes.
    expect(written()).toBeLessThan(100_000_000);
    await using stopped = await hostile((socket) => {
      socket.write("HTTP/1.1 503 x\r\ncontent-length: 100\r\n\r\nbusy");
    });
    expect(await evaluate(keysFor(stopped.url, QUICK))).toEqual({
      kind: "waiting",
      why: `${stopped.url} answers with status 503, "busy"`,
    });
  });

  test("a body cannot drive a terminal or forge a line", async () => {
    const body = 'no\r\n\u001b[2J\u202egood "quoted" http://a:hush@b/?key=hush';
    await using web = await hostile(
      `HTTP/1.1 500 x\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    const { why } = await evaluate(keysFor(web.url));
    expect(why).toMatch(/^[\x20-\x7e]*$/);
    expect(why).not.toContain("hush");
  });
});

test("a redirect within the origin keeps the POST, its body and its secret", async () => {
  await using web = await hostile((socket, request) => {
    const isFirst = request.startsWith("POST /old");
    socket.end(isFirst ? "HTTP/1.1 308 x\r\nlocation: new\r\ncontent-length: 0\r\n\r\n" : ok(""));
  });
  const keys = keysFor(`${web.url}/old`, 'token = "env:GATE"');
  expect(await evaluate(keys, { environment: { GATE: "hush" } })).toMatchObject({ kind: "passed" });
  expect(web.requests).toHaveLength(2);
  expect(web.requests[1]).toStartWith("POST /new HTTP/1.1\r\n");
  expect(web.requests[1]).toContain('"checksum":"8c1f0b2f9d3e4a5b6c7d8e9f"');
  expect(web.requests[1]?.toLowerCase()).toContain("authorization: bearer hush\r\n");
});

test("no other origin gets a request, so none gets the secret or the metadata", async () => {
  await using other = await hostile(ok(""));
  for (const status of [301, 302, 303, 307, 308]) {
    await using web = await hostile(
      `HTTP/1.1 ${status} x\r\nlocation: ${other.url}/steal\r\ncontent-length: 0\r\n\r\n`,
    );
    const answer = await evaluate(keysFor(web.url, 'token = "env:GATE"'), { environment: { GATE: "hush" } });
    expect(answer).toMatchObject({ kind: "unknown" });
  }
  expect(other.requests).toEqual([]);
});

describe("secrets", () => {
  const directory = mkdtempSync(join(tmpdir(), "check-secrets-"));
  const file = join(directory, "secret");
  const echo = hostile((socket, request) => {
    const [, sent = ""] = /^authorization: \w+ (.*)\r$/im.exec(request) ?? [];
    const [, password = ""] = atob(/^[\w=]+$/.test(sent) ? sent : "").split(":");
    const body = `${password} ${sent} ${request}`;
    socket.end(`HTTP/1.1 401 x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  });
  afterAll(async () => {
    await (await echo).stop();
    rmSync(directory, { recursive: true });
  });

  test.each([
    ["token", "correct-horse-battery", "bearer correct-horse-battery"],
    ["login", "ada:correct-horse", `basic ${btoa("ada:correct-horse")}`],
  ])(
    "%s is read from a file at each evaluation, and is hidden if the server repeats it",
    async (key, secret, sent) => {
      const { url, requests } = await echo;
      for (const value of [secret, `${secret}2`]) {
        writeFileSync(file, `${value}\n`);
        requests.length = 0;
        const { kind, why } = await evaluate(keysFor(url, `${key} = "file:${file}"`));
        expect(requests[0]).toMatch(new RegExp(`^authorization: ${sent.slice(0, -3)}`, "im"));
        expect({ kind, why }).toEqual({ kind: "waiting", why: expect.stringContaining("401") });
        for (const part of [value, value.split(":").at(-1) ?? "", btoa(value)])
          expect(why).not.toContain(part);
      }
    },
  );

  test("headers have plain values, or secrets", async () => {
    const { url, requests } = await echo;
    requests.length = 0;
    const headers = 'headers = { X-Scope-OrgID = "shop", X-Api-Key = "env:KEY" }';
    const { why } = await evaluate(keysFor(url, headers), { environment: { KEY: "correct-horse" } });
    expect(requests[0]).toMatch(/^x-scope-orgid: shop\r$/im);
    expect(requests[0]).toMatch(/^x-api-key: correct-horse\r$/im);
    expect(why).not.toContain("correct-horse");
  });

  test("one that is not there is unknown, and nothing is asked", async () => {
    const { url, requests } = await echo;
    requests.length = 0;
    const path = (name: string) => join(directory, name);
    mkdirSync(path("directory"));
    writeFileSync(path("empty"), " \n");
    writeFileSync(path("large"), "x".repeat(SECRET_BYTES_MAX + 1));
    writeFileSync(path("lines"), "one\r\nX-Forged: 1");
    const cases: readonly (readonly [source: string, why: string])[] = [
      ["env:GATE", "the variable GATE has no secret; put it there"],
      [`file:${path("gone")}`, `the file ${path("gone")} cannot be read (ENOENT)`],
      [`file:${path("directory")}`, `${path("directory")} is not a file`],
      ["file:/dev/zero", "/dev/zero is not a file"],
      [`file:${path("empty")}`, `the file ${path("empty")} has no secret`],
      [`file:${path("large")}`, `is larger than ${SECRET_BYTES_MAX} bytes`],
      [`file:${path("lines")}`, "has a character that no header can have"],
    ];
    for (const [source, why] of cases) {
      const answer = await evaluate(keysFor(url, `token = "${source}"`));
      expect(answer).toEqual({ kind: "unknown", why: expect.stringContaining(why) });
    }
    expect(requests).toEqual([]);
  });
});

test("each evaluation has a connection of its own, because an idle one may be closed at any moment", async () => {
  await using web = await hostile((socket) => socket.write(ok("")));
  for (let i = 1; i <= 3; i++) {
    // The server answers the first request of a connection, and no other.
    expect(await evaluate(keysFor(web.url, 'timeout = "2s"'))).toMatchObject({ kind: "passed" });
    expect(web.requests).toHaveLength(i);
  }
});
