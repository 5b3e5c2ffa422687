/** The process around the daemon: signals, exit statuses, log files, and sockets that change hands. */

import { afterEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DRAIN_MS } from "../../src/stream/stream-context.ts";
import { DaemonHome } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { LineClient } from "../support/line.ts";
import { freePort } from "../support/port.ts";

/** Less than the time that an ending daemon waits for its clients. */
const ASLEEP_MS = 25;

const homes: DaemonHome[] = [];

function makeHome(flags: string[] = []): DaemonHome {
  const home = new DaemonHome({ records: { canary: 0.25 }, flags });
  homes.push(home);
  return home;
}

afterEach(() => {
  for (const home of homes.splice(0)) home.remove();
});

describe("stopping", () => {
  test("SIGTERM ends with 0 and SIGINT with 130, and the socket file is gone", async () => {
    for (const [signal, status] of [
      ["SIGTERM", 0],
      ["SIGINT", 130],
    ] as const) {
      const home = makeHome();
      const daemon = await home.start();
      expect(await daemon.end(signal)).toBe(status);
      expect(existsSync(home.socket)).toBe(false);
      expect(daemon.log).toMatch(/ info +stopped/);
    }
  });

  test("requests that arrived before the signal are answered", async () => {
    // If the client cannot run for a while, its questions come late, or it reads for longer than the daemon
    // waits. Then the test tries again.
    await eventually(readsLate, "a client that could run all the time", 25_000);
  });

  /**
   * Asks many questions, and reads the answers while the daemon ends. Resolves with false if the client could
   * not run.
   */
  async function readsLate(): Promise<boolean> {
    const home = makeHome();
    const daemon = await home.start();
    const requestCount = 80_000;
    const socket = connect({ path: home.socket });
    socket.on("error", () => {});
    let lines = 0;
    let signalledAtMs = Number.NaN;
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.on("data", (bytes: Buffer) => {
      if (lines === 0) {
        signalledAtMs = performance.now();
        daemon.signal("SIGTERM");
        // The client reads late, so most of its answers are still waiting when the daemon begins to end.
        socket.pause();
        setTimeout(() => socket.resume(), 200);
      }
      for (const byte of bytes) if (byte === 0x0a) lines++;
    });
    socket.write("0.125\n".repeat(requestCount));
    const longestSleepMs = await longestSleep(closed);
    const couldRun = longestSleepMs < ASLEEP_MS && performance.now() - signalledAtMs < DRAIN_MS;
    if (couldRun) expect(lines).toBe(2 * requestCount);
    expect(await daemon.end()).toBe(0);
    return couldRun || lines === 2 * requestCount;
  }

  /** The longest time, in milliseconds, in which this process did not run, until `end`. */
  async function longestSleep(end: Promise<void>): Promise<number> {
    let longestMs = 0;
    let ranAtMs = performance.now();
    const timer = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - ranAtMs);
      ranAtMs = performance.now();
    }, 2);
    await end;
    clearInterval(timer);
    return longestMs;
  }

  test("connections that waited to be accepted are answered too", async () => {
    const home = makeHome();
    const daemon = await home.start();
    daemon.signal("SIGSTOP");
    const clients = await Promise.all(
      Array.from({ length: 50 }, () => LineClient.connect({ path: home.socket })),
    );
    for (const client of clients) client.send("0.125\n");
    daemon.signal("SIGTERM");
    daemon.signal("SIGCONT");
    for (const client of clients) expect(await client.lines(2)).toEqual(["0.125", "canary"]);
    expect(await daemon.end()).toBe(0);
  });

  test("a client that does not read delays the end by about a second, and a second signal ends it at once", async () => {
    for (const signals of [1, 2]) {
      const home = makeHome();
      const daemon = await home.start();
      const rude = await LineClient.connect({ path: home.socket });
      rude.socket.pause();
      rude.send("0.125\n".repeat(300_000));
      await eventually(async () => ((await daemon.state()).servers[0]?.success ?? 0) > 0, "it answers");
      const startedAt = performance.now();
      const ended = daemon.end("SIGTERM");
      if (signals === 2) {
        await eventually(() => / stopping/.test(daemon.log), "it is stopping");
        daemon.signal("SIGTERM");
      }
      expect(await ended).toBe(0);
      const tookMs = performance.now() - startedAt;
      if (signals === 1) expect(tookMs).toBeGreaterThan(900);
      expect(tookMs).toBeLessThan(signals === 1 ? 3_000 : DRAIN_MS);
      rude.close();
    }
  });
});

describe("an end before the start", () => {
  test("a daemon that is ended before it listens leaves the socket to its owner", async () => {
    const home = makeHome();
    const daemon = await home.start();
    const { ino } = statSync(home.socket);
    const module = join(home.directory, "silent.ts");
    writeFileSync(
      module,
      `export default () => ({ address: "silent:", read: () => new Promise(() => {}), close: async () => {} });`,
    );
    const admin = `127.0.0.1:${await freePort()}`;
    const late = Bun.spawn([...home.command, "-store", module, "-admin", admin], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    await eventually(
      () =>
        fetch(`http://${admin}/healthz`).then(
          () => true,
          () => false,
        ),
      "it waits for its store",
    );
    late.kill("SIGINT");
    expect(await late.exited).toBe(130);
    expect(await new Response(late.stderr).text()).toMatch(/ info +stopped/);
    expect(statSync(home.socket).ino).toBe(ino);
    expect(await daemon.end()).toBe(0);
    expect(daemon.log).not.toMatch(/took the socket over|listens there again/);
  });

  test("a store that never opens does not keep the process from ending", async () => {
    const home = makeHome();
    const module = join(home.directory, "never.ts");
    const opening = join(home.directory, "opening");
    writeFileSync(
      module,
      `await Bun.write(${JSON.stringify(opening)}, "");
       export default () => new Promise(() => {});`,
    );
    const child = Bun.spawn([...home.command, "-store", module], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    await eventually(() => existsSync(opening), "it opens its store");
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });
});

describe("the socket file", () => {
  test("a stale one, left by a daemon that was killed, is replaced", async () => {
    const home = makeHome();
    const killed = await home.start();
    await killed.end("SIGKILL");
    expect(existsSync(home.socket)).toBe(true);
    const daemon = await home.start();
    const client = await LineClient.connect({ path: home.socket });
    expect(await client.ask("0.1")).toEqual({ assignment: "0.1", location: "canary" });
    client.close();
    await daemon.end();
  });

  test("a live one is taken over, and at every moment a daemon listens there", async () => {
    const home = makeHome();
    let daemon = await home.start();
    let asked = 0;
    let isOver = false;
    const failures: unknown[] = [];
    const visitors = (async () => {
      while (!isOver) {
        try {
          const client = await LineClient.connect({ path: home.socket });
          expect(await client.ask("0.1")).toEqual({ assignment: "0.1", location: "canary" });
          client.close();
          asked++;
        } catch (error) {
          failures.push(error);
        }
      }
    })();
    for (let successor = 0; successor < 3; successor++) {
      const next = await home.start();
      expect(await daemon.end()).toBe(0);
      daemon = next;
    }
    isOver = true;
    await visitors;
    expect(failures).toEqual([]);
    expect(asked).toBeGreaterThan(100);
    expect(daemon.log).toMatch(/took over the socket/);
    await daemon.end();
    expect(existsSync(home.socket)).toBe(false);
  }, 20_000);

  test("a file that is not a socket is left alone, and the daemon says so", async () => {
    const home = makeHome();
    writeFileSync(home.socket, "precious");
    const child = Bun.spawn(home.command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    expect(await child.exited).toBe(1);
    expect(await new Response(child.stderr).text()).toMatch(/not a socket; move it away, or choose another/);
    expect(readFileSync(home.socket, "utf8")).toBe("precious");
  });

  test("-socket-mode sets the right to connect", async () => {
    const home = makeHome(["-socket-mode", "0600"]);
    const daemon = await home.start();
    expect(Bun.spawnSync(["stat", "-c", "%a", home.socket]).stdout.toString().trim()).toBe("600");
    await daemon.end();
  });
});

describe("SIGHUP", () => {
  /** A daemon with a configuration file, which the test then changes. */
  async function startWithFile(text: string) {
    const path = join(mkdtempSync(join(tmpdir(), "maxwells-daemon-reload-")), "settings.toml");
    writeFileSync(path, text);
    const daemon = await makeHome(["-config", path]).start();
    const reload = async (changed: string, says: RegExp) => {
      writeFileSync(path, changed);
      daemon.signal("SIGHUP");
      await eventually(() => says.test(daemon.log), String(says));
    };
    return { daemon, path, reload };
  }

  test("names the settings that changed in the file and need a restart, and changes nothing", async () => {
    const { daemon, path, reload } = await startWithFile('region = "us-east-1"\n');
    await reload('region = "eu-west-1"\nhttp = "127.0.0.1:1"\n', / warn +the configuration has changed/);
    expect(daemon.log).toContain(
      `until it is restarted changed="region, http" config=${path} remedy="restart it: `,
    );
    expect((await daemon.state()).servers).toHaveLength(1);
    expect(await daemon.end()).toBe(0);
  });

  test("says so if no setting changed, or if a flag covers the file", async () => {
    const { daemon, path, reload } = await startWithFile('region = "us-east-1"\n');
    await reload('region = "us-east-1"\ndelay = "3s"\n', / info +the configuration is as it was/);
    expect(daemon.log).toContain(`the configuration is as it was config=${path}`);
    expect(await daemon.end()).toBe(0);
  });

  test("sees a plan that changed, and a mistake in one", async () => {
    const { daemon, path, reload } = await startWithFile("");
    await reload('[plans.a]\nsteps = "1%:1m,100%:1h"\n', / warn +the configuration has changed/);
    expect(daemon.log).toContain("until it is restarted changed=plans");
    await reload('[plans.a]\nsteps = "1%:1m"\n', / error .*the last step/);
    expect(daemon.log).toContain(`${path}: plans.a.steps: column 1: `);
    expect(await daemon.end()).toBe(0);
  });

  test("names every problem of a broken file, and the daemon goes on", async () => {
    const { daemon, path, reload } = await startWithFile("");
    await reload('dela = "3s"\nunhealthy = "1"\n', / error .*unhealthy/);
    expect(daemon.log.match(/ error the configuration is wrong now; the daemon goes on/g)).toHaveLength(2);
    expect(daemon.log).toContain(`${path}: dela: no such setting; did you mean delay?`);
    const client = await LineClient.connect({ path: homes.at(-1)?.socket ?? "" });
    expect(await client.ask("0.1")).toEqual({ assignment: "0.1", location: "canary" });
    client.close();
    expect(await daemon.end()).toBe(0);
  });
});

test("the line of the start says where the daemon listens, and which leases it writes", async () => {
  const home = makeHome();
  const map = join(home.directory, "apache.map");
  const both = await home.start(["-apache-map", map]);
  expect(both.log).toMatch(
    new RegExp(`runs .* listen="line unix:${home.socket}" leases="apache-map ${map}" `),
  );
  await both.end();
  const lease = await home.start(["-apache-map", map, "-socket", "none"]);
  expect(lease.log).toMatch(new RegExp(`runs .* listen=none leases="apache-map ${map}" `));
  await lease.end();
  const server = await home.start();
  expect(server.log).toMatch(new RegExp(`runs .* listen="line unix:${home.socket}" admin=`));
  await server.end();
});

test("a log for systemd's journal has priorities and no times; the file beside it has times", async () => {
  const place = mkdtempSync(join(tmpdir(), "maxwells-daemon-journal-"));
  const journal = join(place, "journal");
  const descriptor = openSync(journal, "a");
  const { dev, ino } = statSync(journal);
  const home = makeHome(["-logfile", join(place, "log"), "-store", "file:/nowhere/r.json"]);
  const child = Bun.spawn(home.command, {
    stdin: "ignore",
    stdout: "ignore",
    stderr: descriptor,
    env: { ...process.env, JOURNAL_STREAM: `${dev}:${ino}` },
  });
  const text = (path: string) => readFileSync(path, "utf8");
  await eventually(() => / runs /.test(text(journal)), "it runs");
  child.kill();
  await child.exited;
  closeSync(descriptor);
  const lines = text(journal).trimEnd().split("\n");
  expect(lines.filter((line) => !/^<[346]>(error|warn|info) /.test(line))).toEqual([]);
  expect(lines.some((line) => line.startsWith("<4>warn  "))).toBeTrue();
  expect(text(join(place, "log"))).toMatch(/^\d{4}-\d\d-\d\dT\S+Z (info|warn) /);
});

test("if the settings are wrong, every line in systemd's journal is an error", async () => {
  const journal = join(mkdtempSync(join(tmpdir(), "maxwells-daemon-journal-")), "journal");
  const descriptor = openSync(journal, "a");
  const { dev, ino } = statSync(journal);
  const child = Bun.spawn([...makeHome().command, "-delay", "much"], {
    stdio: ["ignore", "ignore", descriptor],
    env: { ...process.env, JOURNAL_STREAM: `${dev}:${ino}` },
  });
  expect(await child.exited).toBe(2);
  closeSync(descriptor);
  const lines = readFileSync(journal, "utf8").trimEnd().split("\n");
  expect(lines[0]).toBe("<3>maxwells-daemon: 1 problem; nothing was done");
  expect(lines.filter((line) => !line.startsWith("<3>"))).toEqual([]);
});

test("a log that does not go to the journal has times", async () => {
  const home = new DaemonHome({ env: { JOURNAL_STREAM: "1:1" } });
  homes.push(home);
  const daemon = await home.start();
  expect(daemon.log).toMatch(/^\d{4}-\d\d-\d\dT/);
  await daemon.end();
});

describe("the log file", () => {
  test("gets the same lines as stderr, and SIGHUP opens it again after rotation", async () => {
    const home = makeHome();
    const path = join(home.directory, "daemon.log");
    const flagged = new DaemonHome({ records: { canary: 0.25 }, flags: ["-logfile", path] });
    homes.push(flagged);
    const daemon = await flagged.start();
    // Lines go to stderr and to the file by separate ways, so the file may be behind.
    const has = (pattern: RegExp) => existsSync(path) && pattern.test(readFileSync(path, "utf8"));
    await eventually(() => has(/canary=0.25@0/) && has(/ runs /), "it is written");
    renameSync(path, `${path}.1`);
    daemon.signal("SIGHUP");
    await eventually(() => existsSync(path), "it is opened again");
    flagged.write({ canary: 0.5 });
    await eventually(() => has(/canary=0.5@0/), "it goes on");
    expect(readFileSync(`${path}.1`, "utf8")).toMatch(/ runs /);
    await daemon.end();
  });

  test("if there is none, SIGHUP logs that", async () => {
    const daemon = await makeHome().start();
    daemon.signal("SIGHUP");
    await eventually(() => /no log file is open, so none is opened again/.test(daemon.log), "it says so");
    expect(await daemon.end()).toBe(0);
  });

  test("-log-format json writes one object a line", async () => {
    const home = makeHome(["-log-format", "json"]);
    const child = Bun.spawn(home.command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    await eventually(() => existsSync(home.socket), "it listens");
    child.kill();
    await child.exited;
    const lines = (await new Response(child.stderr).text()).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).level)).toContain("info");
  });

  test("if it cannot be opened and the operator named it, the daemon ends with the remedy", async () => {
    const home = makeHome(["-logfile", "/proc/nowhere/daemon.log"]);
    const child = Bun.spawn(home.command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    expect(await child.exited).toBe(1);
    expect(await new Response(child.stderr).text()).toMatch(/daemon\.log.*choose another -logfile/);
  });
});

test("law 1: if the log takes no more lines, every request is answered, and the daemon can end", async () => {
  const home = makeHome();
  home.replaceWrong('{ "website": { "canary": 2 } }');
  // A pipe that is full to the last byte and has no reader: not even the first line of the log can be
  // written.
  const pipe = join(home.directory, "full");
  expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
  const descriptor = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    for (;;) writeSync(descriptor, "x".repeat(4096));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe("EAGAIN");
  }
  // The daemon opens the pipe itself, in blocking mode: the flag belongs to an opening, not to the pipe.
  const child = Bun.spawn(["sh", "-c", 'exec "$@" 2>"$0"', pipe, ...home.command], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  try {
    await eventually(() => existsSync(home.socket), "it listens");
    const client = await LineClient.connect({ path: home.socket });
    for (let i = 0; i < 1_000; i++) expect((await client.ask("0.1")).location).toBe("master");
    home.write({ canary: 0.25 });
    await eventually(async () => (await client.ask("0.1")).location === "canary", "it follows the store");
    client.close();
    child.kill();
    expect(await child.exited).toBe(0);
  } finally {
    child.kill("SIGKILL");
    closeSync(descriptor);
  }
});
