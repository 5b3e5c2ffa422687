/** The addresses to which the HTTP store follows redirects. */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../src/stores/list.ts";
import type { Store, StoreError } from "../../src/stores/store.ts";
import { rollouts } from "./store-suite.ts";

const soon = () => AbortSignal.timeout(5_000);
const DOCUMENT = '{ "website": { "canary": 0.25 } }';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (let end = endings.pop(); end !== undefined; end = endings.pop()) await end();
});

const directory = mkdtempSync(join(tmpdir(), "http-redirects-"));
const [key, certificate] = [join(directory, "key.pem"), join(directory, "certificate.pem")];
beforeAll(async () => {
  await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout ${key} -out ${certificate}`.quiet();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

type Answer = (request: Request, path: string) => Response;

function serve(answer: Answer, isTls = false): string {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => answer(request, new URL(request.url).pathname),
    ...(isTls ? { tls: { key: Bun.file(key), cert: Bun.file(certificate) } } : {}),
  });
  endings.push(() => server.stop(true));
  return `${isTls ? "https" : "http"}://127.0.0.1:${server.port}`;
}

const to = (location: string, status = 302) => new Response(null, { status, headers: { location } });

async function open(address: string, warnings: string[] = []): Promise<Store> {
  const context = {
    table: "",
    region: "",
    environment: {},
    warn: (message: string) => warnings.push(message),
  };
  const store = await openStore(address, context);
  endings.push(() => store.close());
  return store;
}

const failure = (store: Store) =>
  store.read("website", soon()).then(
    () => undefined,
    (error: StoreError) => error,
  );

test.each([301, 302, 303, 307, 308])("a redirect of status %p is followed, and told once", async (status) => {
  const server = serve((_, path) => (path === "/new" ? new Response(DOCUMENT) : to("/new?token=a", status)));
  const warnings: string[] = [];
  const store = await open(`${server}/old`, warnings);
  for (let read = 0; read < 3; read++) {
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
  }
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(`the rollouts come from ${server}/new?token=***`);
});

test("five redirects are followed, and a sixth one is not", async () => {
  const server = serve((_, path) => {
    const left = Number(path.slice(1));
    return left === 0 ? new Response(DOCUMENT) : to(`/${left - 1}`);
  });
  expect(rollouts(await (await open(`${server}/5`)).read("website", soon()))).toEqual({ canary: 0.25 });
  const error = await failure(await open(`${server}/6`));
  expect(error).toMatchObject({ name: "StoreError", code: "malformed" });
  expect(error?.message).toContain("more than 5 redirects");
});

test("a user and a password stay with the host that they were given for, on a way back as well", async () => {
  const heard: (string | null)[] = [];
  let home = "";
  const stranger = serve((request, path) => {
    heard.push(request.headers.get("authorization"));
    return path === "/back" ? to(`${home}/rollouts.json`) : new Response(DOCUMENT);
  });
  const logins: (string | null)[] = [];
  home = serve((request, path) => {
    logins.push(request.headers.get("authorization"));
    if (path === "/away") return to(`${stranger}/document`);
    if (path === "/forth") return to(`${stranger.replace("//", "//other:login@")}/back`);
    return new Response(DOCUMENT);
  });
  const named = home.replace("//", "//ada:correct-horse@");
  for (const path of ["/away", "/forth"]) {
    const store = await open(`${named}${path}`);
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
  }
  expect(heard).toEqual([null, null]);
  const login = `Basic ${Buffer.from("ada:correct-horse").toString("base64")}`;
  expect(logins).toEqual([login, login, login]);
});

test.each([
  ["nowhere", ""],
  ["file:", "file:///etc/passwd"],
  ["data:", "data:application/json,{}"],
])("a redirect to %s is refused", async (_, location) => {
  const server = serve(() => (location === "" ? new Response(null, { status: 302 }) : to(location)));
  const error = await failure(await open(`${server}/a`));
  expect(error).toMatchObject({ name: "StoreError", code: "malformed" });
  expect(error?.message).toContain("look at its server");
});

test("an ETag is told to the address that gave it, and to no other", async () => {
  let target = "/one";
  const asked: [path: string, etag: string | null][] = [];
  const server = serve((request, path) => {
    if (path === "/old") return to(target);
    asked.push([path, request.headers.get("if-none-match")]);
    // Both have the same ETag, as counters do.
    const canary = path === "/one" ? 0.1 : 0.2;
    if (request.headers.get("if-none-match") === '"1"') return new Response(null, { status: 304 });
    return Response.json({ website: { canary } }, { headers: { etag: '"1"' } });
  });
  const store = await open(`${server}/old`);
  expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.1 });
  expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.1 });
  target = "/two";
  expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.2 });
  expect(asked).toEqual([
    ["/one", null],
    ["/one", '"1"'],
    ["/two", null],
  ]);
});

/**
 * The result of a process that trusts this file's certificate: its snapshot, or the code and message of its
 * error.
 */
async function readAsProcess(address: string): Promise<string> {
  const script = `
    const { openStore } = await import(${JSON.stringify(join(import.meta.dir, "../../src/stores/list.ts"))});
    const store = await openStore(${JSON.stringify(address)}, { table: "", region: "", environment: {}, warn() {} });
    try {
      const snapshot = await store.read("website", AbortSignal.timeout(5_000));
      console.log(JSON.stringify(snapshot.get("canary")?.value));
    } catch (error) {
      console.log(error.code, error.message);
    }
    process.exit();`;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: certificate };
  const child = Bun.spawn([process.execPath, "-e", script], { env, stdout: "pipe", stderr: "inherit" });
  return (await new Response(child.stdout).text()).trim();
}

test("a redirect leads from http to https, from https to https, and never from https to http", async () => {
  const plain = serve(() => Response.json({ website: { canary: 1 } }));
  const secure = serve((_, path) => {
    if (path === "/down") return to(`${plain}/document`);
    return path === "/up" ? to("/document") : new Response(DOCUMENT);
  }, true);
  const up = serve(() => to(`${secure}/document`));
  expect(await readAsProcess(`${up}/a`)).toBe("0.25");
  expect(await readAsProcess(`${secure}/up`)).toBe("0.25");
  const refused = await readAsProcess(`${secure}/down`);
  expect(refused).toStartWith("malformed ");
  expect(refused).toContain("leads from https to http");
});
