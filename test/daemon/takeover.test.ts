/**
 * A second daemon with the same configuration takes over everything from the first one, and no visitor
 * notices.
 */

import { afterEach, expect, test } from "bun:test";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { HttpClient } from "../support/http.ts";
import { LineClient } from "../support/line.ts";
import { freePort } from "../support/port.ts";
import { hello, message, notify, SpopClient } from "../support/spop.ts";

const ROUNDS = 5;

/** The number of connections that are kept, of each kind. */
const KEPT = 8;

/** The time for which the load goes on before and after each change, in milliseconds. */
const CALM_MS = 100;

const releases: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

interface Addresses {
  readonly line: number;
  readonly http: number;
  readonly spop: number;
  readonly admin: number;
}

async function freeAddresses(): Promise<Addresses> {
  return {
    line: await freePort(),
    http: await freePort(),
    spop: await freePort(),
    admin: await freePort(),
  };
}

function homeAt({ line, http, spop, admin }: Addresses): DaemonHome {
  const flags = [
    ...["-listen", `tcp:127.0.0.1:${line}`, "-http", `127.0.0.1:${http}`, "-spop", `127.0.0.1:${spop}`],
    ...["-admin", `127.0.0.1:${admin}`],
  ];
  const home = new DaemonHome({ records: { canary: 1 }, flags });
  releases.push(() => home.remove());
  return home;
}

async function startAt(home: DaemonHome): Promise<DaemonProcess> {
  const daemon = await home.start();
  releases.push(async () => {
    await daemon.end("SIGKILL");
  });
  return daemon;
}

/** Asks without a pause, over a fresh connection each time, as different clients do; collects the errors. */
function putLoad(askers: Readonly<Record<string, () => Promise<string>>>) {
  let isOver = false;
  const answers: Record<string, number> = {};
  const errors: string[] = [];
  const loops = Object.entries(askers).map(async ([name, ask]) => {
    while (!isOver) {
      try {
        expect(await ask()).toBe("canary");
        answers[name] = (answers[name] ?? 0) + 1;
      } catch (error) {
        errors.push(`${name}: ${(error as Error).message}`);
      }
      await Bun.sleep(1);
    }
  });
  return {
    answers,
    errors,
    async end() {
      isOver = true;
      await Promise.all(loops);
    },
  };
}

async function askLine(to: Parameters<typeof LineClient.connect>[0]): Promise<string> {
  const client = await LineClient.connect(to);
  try {
    return (await client.ask("0.5")).location;
  } finally {
    client.close();
  }
}

async function askHttp(port: number): Promise<string> {
  const client = await HttpClient.connect({ host: "127.0.0.1", port });
  try {
    const { headers } = await client.ask("GET", "/decide", { maxwellsdaemon: "0.5" });
    return headers.get("maxwellsdaemon-location") ?? "";
  } finally {
    client.close();
  }
}

async function askSpop(port: number): Promise<string> {
  const client = await SpopClient.connect({ host: "127.0.0.1", port });
  try {
    client.send(Buffer.concat([hello(), notify(message("decide", [["assignment", "0.5"]]))]));
    await client.next();
    return String((await client.next()).values["location"]);
  } finally {
    client.close();
  }
}

/** Asks over one connection, as a proxy's pool does; opens a new one only after the daemon has ended it. */
function keptLine(to: Parameters<typeof LineClient.connect>[0]): () => Promise<string> {
  let client: LineClient | undefined;
  return async () => {
    if (client === undefined) {
      const fresh = await LineClient.connect(to);
      fresh.socket.once("end", () => {
        fresh.close();
        if (client === fresh) client = undefined;
      });
      client = fresh;
    }
    return (await client.ask("0.5")).location;
  };
}

function keptHttp(port: number): () => Promise<string> {
  let client: HttpClient | undefined;
  return async () => {
    client ??= await HttpClient.connect({ host: "127.0.0.1", port });
    const { headers } = await client.ask("GET", "/decide", { maxwellsdaemon: "0.5" });
    if (headers.get("connection") === "close") {
      client.close();
      client = undefined;
    }
    return headers.get("maxwellsdaemon-location") ?? "";
  };
}

async function askAdmin(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`, { keepalive: false });
  return (await response.text()) === "ready\n" ? "canary" : `status ${response.status}`;
}

async function pidAt(admin: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${admin}/listeners`, { keepalive: false });
  return ((await response.json()) as { pid: number }).pid;
}

test("HTTP-10, LP-22: a daemon is replaced under load, over unix sockets and TCP, and every question is answered", async () => {
  const at = await freeAddresses();
  const home = homeAt(at);
  let daemon = await startAt(home);
  const load = putLoad({
    unix: () => askLine({ path: home.socket }),
    line: () => askLine({ host: "127.0.0.1", port: at.line }),
    http: () => askHttp(at.http),
    spop: () => askSpop(at.spop),
    admin: () => askAdmin(at.admin),
    ...Object.fromEntries(
      Array.from({ length: KEPT }, (_, index) => [
        [`kept unix ${index}`, keptLine({ path: home.socket })] as const,
        [`kept http ${index}`, keptHttp(at.http)] as const,
      ]).flat(),
    ),
  });
  for (let round = 0; round < ROUNDS; round++) {
    await Bun.sleep(CALM_MS);
    const successor = await startAt(home);
    expect(successor.log).toContain("took over the address from the daemon that listens there");
    for (let i = 0; i < 20; i++) expect(await pidAt(at.admin)).toBe(successor.pid);
    await Bun.sleep(CALM_MS);
    const before = Object.values(load.answers).reduce((sum, count) => sum + count, 0);
    expect(await daemon.end()).toBe(0);
    daemon = successor;
    await Bun.sleep(CALM_MS);
    expect(Object.values(load.answers).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(before);
  }
  await load.end();
  expect(load.errors).toEqual([]);
  expect(Object.keys(load.answers)).toHaveLength(5 + 2 * KEPT);
  for (const count of Object.values(load.answers)) expect(count).toBeGreaterThan(10 * ROUNDS);
}, 60_000);

test("a daemon that listens on TCP alone, and writes to a proxy's unix socket, lets old connections ask once more", async () => {
  const at = await freeAddresses();
  const home = new DaemonHome({
    flags: ["-socket", "none", "-http", `127.0.0.1:${at.http}`, "-admin", `127.0.0.1:${at.admin}`],
  });
  releases.push(() => home.remove());
  const maps = ["-haproxy-map", `${home.directory}/haproxy.sock,${home.directory}/haproxy.map`];
  const start = async () => {
    const daemon = await home.start(maps);
    releases.push(async () => {
      await daemon.end("SIGKILL");
    });
    return daemon;
  };
  const daemon = await start();
  const client = await HttpClient.connect({ host: "127.0.0.1", port: at.http });
  releases.push(() => client.close());
  const connectionHeader = async () => (await client.ask("GET", "/decide")).headers.get("connection");
  expect(await connectionHeader()).not.toBe("close");
  await start();
  const ended = daemon.end();
  // A daemon without a successor would end the idle connection well before that.
  await Bun.sleep(400);
  expect(await connectionHeader()).toBe("close");
  expect(await ended).toBe(0);
}, 30_000);

test("if a successor ends at once, the daemon before it keeps everything", async () => {
  const at = await freeAddresses();
  const home = homeAt(at);
  await startAt(home);
  const successor = await startAt(home);
  await successor.end("SIGKILL");
  for (let i = 0; i < 20; i++) {
    expect(await askHttp(at.http)).toBe("canary");
    expect(await askLine({ host: "127.0.0.1", port: at.line })).toBe("canary");
  }
}, 30_000);

test("if another program has the TCP address, the start fails, and the daemon before loses nothing", async () => {
  const at = await freeAddresses();
  const home = homeAt(at);
  const daemon = await startAt(home);
  const foreign = Bun.listen({ hostname: "127.0.0.1", port: await freePort(), socket: { data() {} } });
  releases.push(() => foreign.stop(true));
  const second = Bun.spawn([...home.command, "-http", `127.0.0.1:${foreign.port}`], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const log = await new Response(second.stderr).text();
  expect(await second.exited).toBe(1);
  expect(log).toContain(`cannot listen as http tcp:127.0.0.1:${foreign.port}: EADDRINUSE`);
  expect(log).not.toContain("took over");
  expect((await daemon.state()).servers[0]?.name).toContain(home.socket);
  expect(await home.ask("0.5")).toBe("canary");
  expect(daemon.log).not.toContain("another daemon took the socket over");
}, 30_000);

test("a daemon of other applications is not a predecessor: its addresses are an error, not shared", async () => {
  const at = await freeAddresses();
  await startAt(homeAt(at));
  const other = new DaemonHome({
    application: "shop",
    flags: ["-http", `127.0.0.1:${at.http}`, "-admin", `127.0.0.1:${at.admin}`],
  });
  releases.push(() => other.remove());
  const second = Bun.spawn(other.command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const log = await new Response(second.stderr).text();
  expect(await second.exited).toBe(1);
  expect(log).toContain(`cannot listen as http tcp:127.0.0.1:${at.http}: EADDRINUSE`);
  for (let i = 0; i < 20; i++) expect(await askHttp(at.http)).toBe("canary");
}, 30_000);

test("a daemon with the same admin address but other listeners for proxies is not a predecessor", async () => {
  const at = await freeAddresses();
  const daemon = await startAt(homeAt(at));
  const other = new DaemonHome({ flags: ["-admin", `127.0.0.1:${at.admin}`, "-listen", "tcp:127.0.0.1:0"] });
  releases.push(() => other.remove());
  const second = Bun.spawn(other.command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const log = await new Response(second.stderr).text();
  expect(await second.exited).toBe(1);
  expect(log).toContain(`the admin listener cannot have 127.0.0.1:${at.admin}`);
  for (let i = 0; i < 20; i++) expect(await pidAt(at.admin)).toBe(daemon.pid);
}, 30_000);

test("without an admin listener there is no predecessor, and a taken address is an error", async () => {
  const http = await freePort();
  const home = new DaemonHome({ flags: ["-http", `127.0.0.1:${http}`, "-admin", "none"] });
  releases.push(() => home.remove());
  await startAt(home);
  const second = Bun.spawn(home.command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  expect(await new Response(second.stderr).text()).toMatch(/EADDRINUSE: another program has this address/);
  expect(await second.exited).toBe(1);
}, 30_000);
