import { afterEach, expect, test } from "bun:test";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { Problem, type Settings } from "../../src/config/option.ts";
import { createLog } from "../../src/log/log.ts";
import { DELAY_BOUNDS_US } from "../../src/metrics.ts";
import { DogStatsD, type DogStatsDOptions, dogstatsd } from "../../src/monitors/dogstatsd.ts";
import { CLOSE_MS, type MonitorContext } from "../../src/monitors/monitor.ts";
import { StatsdSocket } from "../../src/monitors/statsd-socket.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/port.ts";
import { listener } from "../support/server-identity.ts";
import { decide, type TestContext, testContext } from "./context.ts";

interface Line {
  readonly name: string;
  readonly value: number;
  readonly type: string;
  readonly rate: number;
  readonly tags: readonly string[];
}

/** A statsd that keeps the lines it receives. */
class Receiver {
  readonly lines: Line[] = [];
  readonly datagrams: string[] = [];
  /** The sockets that sent lines. */
  readonly senderPorts = new Set<number>();
  readonly #socket: Socket = createSocket("udp4");
  #marks = 0;

  constructor() {
    this.#socket.on("message", (message, sender) => {
      this.datagrams.push(message.toString());
      if (!message.toString().startsWith("mark:")) this.senderPorts.add(sender.port);
      for (const line of message.toString().split("\n")) this.lines.push(parse(line));
    });
  }

  async listen(port = 0, host = "127.0.0.1"): Promise<number> {
    this.#socket.bind(port, host);
    await once(this.#socket, "listening");
    return this.port;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Waits until all datagrams sent before have arrived: on loopback the kernel keeps their order. */
  async settle(): Promise<void> {
    const mark = `mark:${++this.#marks}|c`;
    const sender = createSocket("udp4");
    sender.send(mark, this.port, this.#socket.address().address);
    while (!this.datagrams.includes(mark)) await once(this.#socket, "message");
    sender.close();
  }

  /** The sum of a counter, over all tags or over the given ones. */
  sum(name: string, ...tags: string[]): number {
    return this.lines
      .filter(
        (line) => line.name === name && line.type === "c" && tags.every((tag) => line.tags.includes(tag)),
      )
      .reduce((total, line) => total + line.value, 0);
  }

  /** The number of observations that a histogram's lines stand for. */
  observations(name: string): number {
    return this.lines
      .filter((line) => line.name === name && line.type === "h")
      .reduce((total, line) => total + Math.round(1 / line.rate), 0);
  }

  last(name: string, ...tags: string[]): Line | undefined {
    return this.lines.findLast((line) => line.name === name && tags.every((tag) => line.tags.includes(tag)));
  }

  close(): void {
    this.#socket.close();
  }
}

/** Reads `name:value|type[|@rate][|#tag,tag]`; any other line fails the test. */
function parse(line: string): Line {
  const [, name, value, type, rate, tags] =
    /^([a-z.]+):(-?[\d.]+)\|([chg])(?:\|@(0\.\d+))?(?:\|#([^|]+))?$/.exec(line) ?? [];
  if (name === undefined || type === undefined)
    throw new Error(`not a line of DogStatsD: ${JSON.stringify(line)}`);
  return { name, value: Number(value), type, rate: Number(rate ?? 1), tags: tags?.split(",") ?? [] };
}

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function receiver(): Promise<Receiver> {
  const made = new Receiver();
  await made.listen();
  ends.push(() => made.close());
  return made;
}

/** A monitor that is connected and sends only if the test says so. */
async function monitor(
  port: number,
  context: MonitorContext,
  options: Partial<DogStatsDOptions> = {},
): Promise<DogStatsD> {
  const made = new DogStatsD(
    { address: { host: "127.0.0.1", port }, isNamed: true, intervalMs: 3_600_000, ...options },
    context,
  );
  made.start();
  await made.connect();
  ends.push(() => made.close());
  return made;
}

/** Resolves with the error of the next complaint. */
async function logged(context: TestContext): Promise<string> {
  while (context.logged.length === 0) await Bun.sleep(1);
  return String(context.logged[0]?.fields["error"]);
}

test("metrics are sent under the names of 2016, with their tags", async () => {
  const context = testContext(["app"]);
  const statsd = await receiver();
  const { metrics, rollout } = context;
  rollout.apply("app", [{ version: "canary", rollout: 0.5, offset: 0, failsafe: "master" }], 0);
  decide(context, "app", 0.2, 3);
  decide(context, "app", 0.8, 4);
  rollout.placements.of("app", "master", "invalid").count += 5;
  rollout.placements.of("app", "master", "unknown-application").count += 6;
  metrics.server(listener("line")).success += 7;
  const http = metrics.server(listener("http"));
  http.success += 1;
  http.failure += 8;
  const feed = metrics.feed("app");
  feed.success += 9;
  feed.failure += 10;
  await (await monitor(statsd.port, context)).send();
  await statsd.settle();

  expect(statsd.sum("maxwellsdaemon.handler.success", "location:canary")).toBe(3);
  expect(statsd.last("maxwellsdaemon.handler.success", "location:master")?.tags).toEqual([
    "location:master",
    "reason:outside",
    "application:app",
  ]);
  expect(statsd.sum("maxwellsdaemon.handler.success")).toBe(7);
  expect(statsd.sum("maxwellsdaemon.handler.failure", "reason:invalid")).toBe(5);
  expect(statsd.sum("maxwellsdaemon.handler.failure", "reason:unknown-application")).toBe(6);
  expect(statsd.last("maxwellsdaemon.server.success")).toMatchObject({ value: 8, tags: [] });
  expect(statsd.last("maxwellsdaemon.server.failure")).toMatchObject({ value: 8, tags: [] });
  expect(statsd.sum("maxwellsdaemon.rollout.update.success", "application:app")).toBe(9);
  expect(statsd.sum("maxwellsdaemon.rollout.update.failure", "application:app")).toBe(10);
});

test("over many seconds no count is lost, and none is sent twice", async () => {
  const context = testContext();
  const statsd = await receiver();
  const server = context.metrics.server(listener("line"));
  const sending = await monitor(statsd.port, context);
  let observed = 0;
  for (let second = 0; second < 20; second++) {
    decide(context, "app", 0.5, second);
    server.success += 1_000 * second;
    for (const [bucket, us] of DELAY_BOUNDS_US.entries()) {
      const times = (second * 37 + bucket * 11) % 50;
      context.metrics.delay.observe(us / 1000, times);
      observed += times;
    }
    await sending.send();
  }
  await sending.send();
  await statsd.settle();

  expect(statsd.sum("maxwellsdaemon.handler.success")).toBe(190);
  expect(statsd.sum("maxwellsdaemon.server.success")).toBe(190_000);
  expect(statsd.observations("maxwellsdaemon.server.delay")).toBe(observed);
  expect(observed).toBeGreaterThan(5_000);
});

test("a counter that did not change is not sent", async () => {
  const context = testContext();
  const statsd = await receiver();
  context.metrics.server(listener("line")).success = 3;
  context.metrics.delay.observe(1, 1);
  const sending = await monitor(statsd.port, context);
  await sending.send();
  await statsd.settle();
  const before = statsd.lines.length;
  expect(before).toBeGreaterThan(1);
  await sending.send();
  await statsd.settle();
  expect(statsd.lines.length).toBe(before + 1); // The extra line is the mark of `settle`.
});

test("a line of the histogram has the middle of its bucket and stands for many observations", async () => {
  const context = testContext();
  const statsd = await receiver();
  context.metrics.delay.observe(0.007, 1_000);
  context.metrics.delay.observe(0.7, 1);
  context.metrics.delay.observe(9_999, 3);
  await (await monitor(statsd.port, context)).send();
  await statsd.settle();
  expect(statsd.datagrams[0]?.split("\n")).toEqual([
    "maxwellsdaemon.server.delay:0.0075|h|@0.001",
    "maxwellsdaemon.server.delay:0.75|h",
    "maxwellsdaemon.server.delay:100|h|@0.3333333333333333",
  ]);
});

test("if one line cannot stand for all observations, the rest follows a second later", async () => {
  const context = testContext();
  const statsd = await receiver();
  context.metrics.delay.observe(0.001, 2_500_000);
  const sending = await monitor(statsd.port, context);
  for (let second = 0; second < 3; second++) await sending.send();
  await statsd.settle();
  const delays = statsd.lines.filter((line) => line.name === "maxwellsdaemon.server.delay");
  expect(delays.map((line) => line.rate)).toEqual([1e-6, 1e-6, 2e-6]);
  expect(statsd.observations("maxwellsdaemon.server.delay")).toBe(2_500_000);
});

test("gauges are the rollout that counts and the snapshot's age", async () => {
  const context = testContext();
  const statsd = await receiver();
  const sending = await monitor(statsd.port, context);
  await sending.send();
  await statsd.settle();
  expect(statsd.last("maxwellsdaemon.snapshot.age")).toBeUndefined();

  const hold = { version: "next", rollout: 1, offset: 0, failsafe: "hold" } as const;
  context.rollout.apply(
    "app",
    [{ version: "canary", rollout: 0.25, offset: 0, failsafe: "master" }, hold],
    1_000,
  );
  context.nowMs = 3_500;
  await sending.send();
  await statsd.settle();
  expect(statsd.last("maxwellsdaemon.snapshot.age", "application:app")?.value).toBe(2.5);
  expect(statsd.last("maxwellsdaemon.rollout", "application:app", "version:canary")?.value).toBe(0.25);

  context.nowMs = 60_000;
  await sending.send();
  await statsd.settle();
  expect(statsd.last("maxwellsdaemon.rollout", "version:canary")?.value).toBe(0);
  expect(statsd.last("maxwellsdaemon.rollout", "version:next")?.value).toBe(1);
});

test("an application with a hostile name cannot forge lines or tags", async () => {
  const name = 'a|c\\"@1,location:canary#x:y';
  const context = testContext([name]);
  const statsd = await receiver();
  decide(context, name, 0.5);
  await (await monitor(statsd.port, context)).send();
  await statsd.settle();
  expect(statsd.last("maxwellsdaemon.handler.success")?.tags).toEqual([
    "location:master",
    "reason:unread",
    'application:a_c\\"_1_location:canary_x:y',
  ]);
});

test("the environment adds no tags", async () => {
  const context = testContext();
  const statsd = await receiver();
  context.metrics.server(listener("line")).success = 1;
  const names = ["DD_ENV", "DD_TAGS", "DD_SERVICE", "DD_ENTITY_ID", "DD_AGENT_HOST", "DD_DOGSTATSD_PORT"];
  for (const name of names) process.env[name] = "9";
  try {
    await (await monitor(statsd.port, context)).send();
  } finally {
    for (const name of names) delete process.env[name];
  }
  await statsd.settle();
  expect(statsd.datagrams[0]).toBe("maxwellsdaemon.server.success:1|c");
});

test("without a statsd at the address, sending throws no error and logs one complaint", async () => {
  const context = testContext();
  const written: string[] = [];
  const log = createLog({ format: "text", sinks: [{ write: (line) => void written.push(line) }] });
  const sending = await monitor(await freePort(), { ...context, log });
  for (let second = 0; second < 5; second++) {
    decide(context, "app", 0.5, 100);
    context.metrics.delay.observe(0.01, 100);
    context.rollout.apply("app", [{ version: "canary", rollout: 1, offset: 0, failsafe: "master" }], second);
    await sending.send();
    await Bun.sleep(2); // In this turn the socket reports refused datagrams.
  }
  await eventually(() => written.length > 0, "the complaint");
  expect(written).toHaveLength(1);
  expect(written[0]).toContain("warn  metrics cannot be sent to statsd; visitors notice nothing");
  expect(written[0]).toContain("ECONNREFUSED");
});

test("if statsd is away for a day, the log says so once, and then once an hour", async () => {
  const context = testContext();
  const sending = await monitor(await freePort(), context);
  const MINUTE_MS = 60_000;
  for (let minute = 0; minute < 24 * 60; minute++) {
    decide(context, "app", 0.5, 1);
    await sending.send();
    // In this turn the socket reports refused datagrams.
    if (minute % 2 === 1) await Bun.sleep(0);
    context.nowMs += MINUTE_MS;
  }
  await Bun.sleep(5);
  expect(context.logged.length).toBeGreaterThan(20);
  expect(context.logged.length).toBeLessThanOrEqual(24);
  expect(new Set(context.logged.map(({ level, message }) => `${level} ${message}`)).size).toBe(1);
});

test("if the operator did not configure statsd, the log says once that none listens, as information", async () => {
  const context = testContext();
  const sending = await monitor(await freePort(), context, { isNamed: false });
  for (let second = 0; second < 5; second++) {
    decide(context, "app", 0.5, 100);
    context.metrics.delay.observe(0.01, 100);
    await sending.send();
    await Bun.sleep(2);
  }
  await eventually(() => context.logged.length > 0, "the complaint");
  expect(context.logged.map(({ level }) => level)).toEqual(["info"]);
});

test("an hour without a statsd takes no memory", async () => {
  const context = testContext();
  const sending = await monitor(await freePort(), context);
  const send = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      decide(context, "app", 0.5, 10);
      context.metrics.delay.observe(0.01, 10);
      await sending.send();
      if (second % 20 === 0) await Bun.sleep(1);
      context.logged.length = 0;
    }
    Bun.gc(true);
    return process.memoryUsage().heapUsed;
  };
  const before = await send(600);
  expect((await send(3_600)) - before).toBeLessThan(1_000_000);
});

test("a statsd that comes back gets the counts from then on", async () => {
  const context = testContext();
  const port = await freePort();
  const sending = await monitor(port, context);
  const server = context.metrics.server(listener("line"));
  for (let second = 0; second < 4; second++) {
    server.success += 10;
    await sending.send();
    await Bun.sleep(2);
  }
  const statsd = new Receiver();
  await statsd.listen(port);
  ends.push(() => statsd.close());
  await sending.send(); // This one may still be refused, because the one before was.
  await Bun.sleep(2);
  await sending.send();
  await statsd.settle();
  const atReturn = statsd.sum("maxwellsdaemon.server.success");
  expect(atReturn).toBeLessThanOrEqual(40);
  for (let second = 0; second < 4; second++) {
    server.success += 1_000;
    await sending.send();
  }
  await statsd.settle();
  expect(statsd.sum("maxwellsdaemon.server.success")).toBe(atReturn + 4_000);
});

test("counts that the socket refuses are sent with the next second, once", async () => {
  const counted: [(context: TestContext, times: number) => void, (statsd: Receiver) => number][] = [
    [
      ({ metrics }, times) => (metrics.feed("app").success += times),
      (statsd) => statsd.sum("maxwellsdaemon.rollout.update.success"),
    ],
    [
      ({ metrics }, times) => metrics.delay.observe(0.001, times),
      (statsd) => statsd.observations("maxwellsdaemon.server.delay"),
    ],
  ];
  for (const [count, received] of counted) {
    const context = testContext();
    const port = await freePort();
    const sending = await monitor(port, context);
    count(context, 1_000);
    // This one leaves and is refused at the other end. The kernel reports that to the next send, whose counts
    // stay.
    await sending.send();
    count(context, 7);
    await sending.send();
    expect(await logged(context)).toContain("ECONNREFUSED");

    const statsd = new Receiver();
    await statsd.listen(port);
    ends.push(() => statsd.close());
    await sending.send();
    await sending.send();
    await statsd.settle();
    expect(received(statsd)).toBe(7);
  }
});

test("a name is resolved once, not for every packet, and the monitor follows it to a new address", async () => {
  const context = testContext();
  const first = await receiver();
  const server = context.metrics.server(listener("line"));
  let lookups = 0;
  let host = "127.0.0.1";
  const sending = await monitor(first.port, context, {
    address: { host: "agent.example", port: first.port },
    resolve: async () => {
      lookups++;
      if (lookups === 1) throw new Error("getaddrinfo ENOTFOUND agent.example");
      return host;
    },
  });
  server.success = 1;
  await sending.send();
  expect(context.logged).toHaveLength(1);
  expect(context.logged[0]?.fields).toEqual({
    statsd: `agent.example:${first.port}`,
    error: "getaddrinfo ENOTFOUND agent.example",
  });
  await sending.connect();
  for (let i = 0; i < 10; i++) {
    server.success++;
    await sending.send();
  }
  await first.settle();
  expect(lookups).toBe(2);
  expect(first.sum("maxwellsdaemon.server.success")).toBe(11);

  const moved = new Receiver();
  await moved.listen(first.port, "127.0.0.2");
  ends.push(() => moved.close());
  host = "127.0.0.2";
  await sending.connect();
  server.success++;
  await sending.send();
  await moved.settle();
  expect(moved.sum("maxwellsdaemon.server.success")).toBe(1);
});

test("if the socket to a new address cannot be opened, the old one sends on, and the next look-up tries again", async () => {
  const context = testContext();
  const [statsd, moved] = [await receiver(), new Receiver()];
  await moved.listen(statsd.port, "127.0.0.2");
  ends.push(() => moved.close());
  const server = context.metrics.server(listener("line"));
  let host = "127.0.0.1";
  let isRefused = false;
  const sending = await monitor(statsd.port, context, {
    address: { host: "agent.example", port: statsd.port },
    resolve: async () => host,
    open(...given) {
      if (isRefused) throw new Error("EMFILE");
      return new StatsdSocket(...given);
    },
  });
  const sendOne = async () => {
    server.success++;
    await sending.send();
    await Promise.all([statsd.settle(), moved.settle()]);
    return [statsd, moved].map((each) => each.sum("maxwellsdaemon.server.success"));
  };
  [host, isRefused] = ["127.0.0.2", true];
  await sending.connect();
  expect(await logged(context)).toBe("EMFILE");
  expect(await sendOne()).toEqual([1, 0]);
  // The name has its old address again, and its socket is still open.
  [host, isRefused] = ["127.0.0.1", false];
  await sending.connect();
  expect(await sendOne()).toEqual([2, 0]);
  [host, isRefused] = ["127.0.0.2", true];
  await sending.connect();
  isRefused = false;
  await sending.connect();
  expect(await sendOne()).toEqual([2, 1]);
});

test("a socket may be closed twice", async () => {
  const socket = new StatsdSocket("127.0.0.1", 9, () => {});
  await Promise.all([socket.close(), socket.close()]);
  await socket.close();
});

test("if a name still has its address, the monitor keeps its socket", async () => {
  const context = testContext();
  const statsd = await receiver();
  const sending = await monitor(statsd.port, context);
  const server = context.metrics.server(listener("line"));
  for (let i = 0; i < 3; i++) {
    server.success++;
    await sending.send();
    await sending.connect();
  }
  await statsd.settle();
  expect(statsd.sum("maxwellsdaemon.server.success")).toBe(3);
  expect(statsd.senderPorts.size).toBe(1);
});

test("a monitor that is closed while a name is being resolved stays closed", async () => {
  const context = testContext();
  const statsd = await receiver();
  const { promise, resolve } = Promise.withResolvers<string>();
  const options = { address: { host: "agent.example", port: statsd.port }, isNamed: true };
  const sending = new DogStatsD({ ...options, resolve: () => promise }, context);
  sending.start();
  const connected = sending.connect();
  await sending.close();
  resolve("127.0.0.1");
  await connected;
  context.metrics.server(listener("line")).success = 1;
  await sending.send();
  await statsd.settle();
  expect(statsd.sum("maxwellsdaemon.server.success")).toBe(0);
});

test("two monitors in one process have nothing in common", async () => {
  const [a, b] = [testContext(["a"]), testContext(["b"])];
  const [statsdA, statsdB] = [await receiver(), await receiver()];
  decide(a, "a", 0.5, 2);
  decide(b, "b", 0.5, 3);
  const [sendingA, sendingB] = [await monitor(statsdA.port, a), await monitor(statsdB.port, b)];
  await sendingA.send();
  await sendingB.send();
  await sendingA.close();
  decide(b, "b", 0.5, 4);
  await sendingB.send();
  await Promise.all([statsdA.settle(), statsdB.settle()]);
  expect(statsdA.sum("maxwellsdaemon.handler.success", "application:a")).toBe(2);
  expect(statsdA.sum("maxwellsdaemon.handler.success")).toBe(2);
  expect(statsdB.sum("maxwellsdaemon.handler.success", "application:b")).toBe(7);
});

test("a started monitor sends by itself; a closed one has sent the rest and sends no more", async () => {
  const context = testContext();
  const statsd = await receiver();
  const sending = await monitor(statsd.port, context, { intervalMs: 5 });
  const server = context.metrics.server(listener("line"));
  server.success = 1;
  while (statsd.sum("maxwellsdaemon.server.success") < 1) await Bun.sleep(1);
  server.success = 3;
  const started = performance.now();
  await sending.close();
  expect(performance.now() - started).toBeLessThan(CLOSE_MS);
  server.success = 100;
  await sending.send();
  await Bun.sleep(20);
  await statsd.settle();
  expect(statsd.sum("maxwellsdaemon.server.success")).toBe(3);
});

test("a monitor does not keep a process alive", async () => {
  const script = `
    import { DogStatsD } from "./src/monitors/dogstatsd.ts";
    import { testContext } from "./test/monitors/context.ts";
    import { listener } from "./test/support/server-identity.ts";
    const context = testContext();
    context.metrics.server(listener("line")).success = 1;
    const address = { host: "127.0.0.1", port: ${await freePort()} };
    const sending = new DogStatsD({ address, isNamed: true }, context);
    sending.start();
    await sending.connect();
    await sending.send();`;
  const child = Bun.spawn([process.execPath, "-e", script], { cwd: `${import.meta.dir}/../..` });
  expect(await child.exited).toBe(0);
});

test("-statsd takes HOST:PORT and none", () => {
  const [option] = dogstatsd.options;
  expect(option?.parse(["[::1]:8125"])).toEqual({ host: "::1", port: 8125 });
  expect(option?.parse(["agent:0"])).toBeInstanceOf(Problem);
  expect(option?.parse(["agent"])).toBeInstanceOf(Problem);

  const settings = (value: unknown): Settings => ({
    get: <T>() => value as T,
    origin: () => ({ source: "default", text: "" }),
    isNamed: () => false,
  });
  const context = testContext();
  expect(dogstatsd.create(settings(null), context)).toBeUndefined();
  expect(dogstatsd.create(settings(option?.parse([option.defaultText ?? ""])), context)?.name).toBe(
    "dogstatsd 127.0.0.1:8125",
  );
});

test("of many gauges each second sends a part, and after some seconds all of them were sent", async () => {
  const names = Array.from({ length: 1_250 }, (_, index) => `app-${index}`);
  const context = testContext(names);
  for (const name of names) {
    context.rollout.apply(name, [{ version: "canary", rollout: 0.5, offset: 0, failsafe: "master" }], 0);
  }
  const statsd = await receiver();
  const sending = await monitor(statsd.port, context);
  const sent: number[] = [];
  for (let second = 0; second < 3; second++) {
    await sending.send();
    await statsd.settle();
    sent.push(statsd.lines.filter(({ type }) => type === "g").length);
  }
  // Each application has two gauges: its rollout, and the age of its snapshot.
  expect(sent).toEqual([1_000, 2_000, 2_500]);
  expect(
    new Set(statsd.lines.filter(({ type }) => type === "g").map(({ name, tags }) => `${name} ${tags}`)).size,
  ).toBe(2_500);
});
