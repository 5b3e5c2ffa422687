/**
 * The commands of a daemon to a real Redis while no release is under way. They are the reads of its feed, and
 * `-releases on` adds none. `test/controller/controller.test.ts` has the timers.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Socket } from "bun";
import { run } from "../cli/run.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisServer, redisMissing, startRedis } from "../support/redis-server.ts";

/** The number of reads of a feed in one look at the commands. */
const READS = 10;

/** The end of each window in Redis's log of commands. */
const MARK = '"ECHO" "mark"';

/** The client of Redis asks now and then whether the connection lives. */
const HEARTBEAT = '"PING"';

const RELEASE = ["release", "canary", "1%:1h,100%:1d", "-of", "v42", "-unattended"] as const;

const missing = redisMissing("redis-server");

/** All commands that Redis runs, as `MONITOR` tells them. */
class Monitor {
  #text = "";
  readonly #server: RedisServer;
  #socket: Socket | undefined;

  constructor(server: RedisServer) {
    this.#server = server;
  }

  async start(): Promise<void> {
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: this.#server.port,
      socket: {
        data: (_, bytes) => {
          this.#text += bytes.toString("latin1");
        },
      },
    });
    this.#socket.write("MONITOR\r\n");
    await eventually(() => this.#text.startsWith("+OK"), "Redis tells its commands");
  }

  /** The commands since the last call, without the times and the addresses of clients. */
  async since(): Promise<string[]> {
    await this.#server.cli("ECHO", "mark");
    await eventually(() => this.#text.includes(MARK), "the mark");
    const end = this.#text.indexOf(MARK);
    const before = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + MARK.length);
    return before.split("\r\n").flatMap((line) => /^\+[\d.]+ \[[^\]]+\] (".*)$/.exec(line)?.[1] ?? []);
  }

  stop(): void {
    this.#socket?.end();
  }
}

describe.skipIf(missing !== undefined)(`without a release under way${missing ? `: ${missing}` : ""}`, () => {
  let server: RedisServer;
  let monitor: Monitor;
  let store: string;
  const homes: DaemonHome[] = [];

  beforeAll(async () => {
    server = await startRedis("redis-server");
    store = `redis://127.0.0.1:${server.port}`;
    monitor = new Monitor(server);
    await monitor.start();
    expect((await command("set", "canary", "0%", "-new")).status).toBe(0);
  });

  afterAll(async () => {
    monitor?.stop();
    await server?.stop();
    for (const home of homes) home.remove();
  });

  const command = (...words: readonly string[]) =>
    run([...words, "-config", "none", "-store", store, "-application", "website"]);

  async function start(releases: "on" | "off"): Promise<DaemonProcess> {
    const home = new DaemonHome({ store, flags: ["-releases", releases] });
    homes.push(home);
    return home.start();
  }

  const readsOf = async (daemon: DaemonProcess) =>
    (await daemon.state()).applications[0]?.reads.success ?? Number.NaN;

  /** The commands during some reads, each once; and how often one of them came for each read, at most. */
  async function asked(daemon: DaemonProcess): Promise<{ commands: string[]; perRead: number }> {
    const first = await readsOf(daemon);
    await monitor.since();
    await eventually(async () => (await readsOf(daemon)) >= first + READS, "reads");
    const commands = (await monitor.since()).filter((each) => each !== HEARTBEAT);
    // One more may be under way.
    const reads = (await readsOf(daemon)) - first + 1;
    const counts = Map.groupBy(commands, (each) => each);
    const most = Math.max(...Array.from(counts.values(), ({ length }) => length));
    return { commands: [...counts.keys()].sort(), perRead: Math.ceil(most / reads) };
  }

  test("a daemon with -releases on asks for no more than one without it, before a release and after one", async () => {
    const following = await start("off");
    const wanted = await asked(following);
    expect(wanted.perRead).toBe(1);
    expect(wanted.commands.join("\n")).not.toMatch(/"(TIME|SET|HSET|EVALSHA)"/i);
    expect((await command(...RELEASE)).status).toBe(0);
    expect(await asked(following)).toEqual(wanted);
    expect((await command("abort")).status).toBe(0);
    expect(await asked(following)).toEqual(wanted);
    await following.end();

    const leading = await start("on");
    expect(await asked(leading)).toEqual(wanted);
    expect((await command(...RELEASE)).status).toBe(0);
    // It tells that it leads, reads what the others tell, and asks for the time.
    await eventually(async () => (await asked(leading)).commands.length > wanted.commands.length, "it leads");
    expect((await command("abort")).status).toBe(0);
    // It may tell something that it had to tell.
    await eventually(async () => Bun.deepEquals(await asked(leading), wanted), "it sleeps");
    expect(await asked(leading)).toEqual(wanted);
    await leading.end();
  }, 60_000);
});
