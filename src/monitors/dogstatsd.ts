/**
 * DogStatsD: metrics by their names of 2016, sent once a second over UDP.
 *
 * Each second this monitor sends the growth of every counter since the last line. If the socket refuses a
 * line, the next line has its number too. So a failure queues nothing: it only makes a number larger. A line
 * that the network loses is lost, as always with statsd.
 *
 * The host's name is resolved every `RESOLVE_MS`. If its address has changed, a new socket takes over.
 * docs/decisions/0004-dependencies.md says why this is not done by a library.
 */

import { lookup } from "node:dns/promises";
import { hostPortText } from "../address.ts";
import { Problem } from "../config/option.ts";
import { orNone, parseHostPort, single } from "../config/values.ts";
import { DELAY_BOUNDS_US } from "../metrics.ts";
import { Slices } from "../slices.ts";
import type { HistogramMetric, Labels, Sample, SharedMetric, StatsdName } from "./metric.ts";
import { METRICS, middleOfBucketMs } from "./metrics-list.ts";
import { CLOSE_MS, type Monitor, type MonitorContext, type MonitorKind } from "./monitor.ts";
import { StatsdComplaints, type StatsdComplaintsOptions } from "./statsd-complaints.ts";
import { type StatsdType, statsdLine } from "./statsd-line.ts";
import { StatsdSocket } from "./statsd-socket.ts";

const INTERVAL_MS = 1_000;

/** The time between two look-ups of the host's name, even if the last one failed. */
const RESOLVE_MS = 10_000;

/**
 * One line stands for at most this many observations; the rest follows a second later. A smaller rate would
 * be spelled `1e-7`, which not every statsd reads.
 */
const OBSERVATIONS_MAX = 1_000_000;

/**
 * At most this many gauges are sent in a second. The next second goes on from there. With ten thousand
 * applications all gauges are sent within a minute, and a second costs no more than with a hundred.
 */
const GAUGES_A_SECOND_MAX = 1_000;

const statsdAddress = single(
  {
    name: "statsd",
    placeholder: "HOST:PORT",
    summary: "the address that gets metrics as DogStatsD, or none",
    defaultText: "127.0.0.1:8125",
  },
  orNone((text) => {
    const parsed = parseHostPort(text);
    return parsed instanceof Problem || parsed.port === 0
      ? new Problem("write HOST:PORT, such as 127.0.0.1:8125, or none")
      : parsed;
  }),
);

export const dogstatsd: MonitorKind = {
  name: "dogstatsd",
  options: [statsdAddress],
  create(settings, context) {
    const hostPort = settings.get(statsdAddress);
    if (hostPort === null) return undefined;
    return new DogStatsD({ address: hostPort, isNamed: settings.isNamed(statsdAddress) }, context);
  },
};

export interface DogStatsDOptions extends StatsdComplaintsOptions {
  readonly intervalMs?: number;
  /** Resolves a name to an IP address. */
  readonly resolve?: (host: string) => Promise<string>;
  /** Opens a socket that sends to an IP address. */
  readonly open?: (host: string, port: number, onError: (error: Error) => void) => StatsdSocket;
}

/**
 * Sends nothing before `start` has resolved the host. Counts until then are sent in the first second after
 * that.
 */
export class DogStatsD implements Monitor {
  readonly name: string;
  readonly #options: DogStatsDOptions;
  readonly #context: MonitorContext;
  /** Counters by name and tags. */
  readonly #counters = new Map<string, CounterSeries>();
  /** Number of passes over all counters. */
  #pass = 0;
  /** The gauges that are still to be sent in this round. */
  #gauges: Iterator<Series> | undefined;
  #sending: Promise<void> | undefined;
  readonly #sentDelays = new Float64Array(DELAY_BOUNDS_US.length + 1);
  #socket: StatsdSocket | undefined;
  #resolved: string | undefined;
  #timers: NodeJS.Timeout[] = [];
  #connecting: Promise<void> | undefined;
  #isClosed = false;
  readonly #complaints: StatsdComplaints;

  constructor(options: DogStatsDOptions, context: MonitorContext) {
    this.name = `dogstatsd ${hostPortText(options.address)}`;
    this.#options = options;
    this.#context = context;
    this.#complaints = new StatsdComplaints(options, context.log, context.clock);
  }

  start(): void {
    void this.connect();
    this.#timers = [
      setInterval(() => void this.send(), this.#options.intervalMs ?? INTERVAL_MS),
      setInterval(() => void this.connect(), RESOLVE_MS),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const outOfTime = new Promise<void>((resolve) => {
      setTimeout(resolve, CLOSE_MS).unref();
    });
    // A send that is under way does not have the latest counts, so one more follows.
    await Promise.race([this.#sending?.then(() => this.send()) ?? this.send(), outOfTime]);
    this.#isClosed = true;
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) await Promise.race([socket.close(), outOfTime]);
  }

  /** Resolves the host, and opens a socket if its address is a new one. Never rejects. */
  connect(): Promise<void> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(): Promise<void> {
    const { address, resolve = resolveHost, open = openSocket } = this.#options;
    try {
      const host = await resolve(address.host);
      if (host === this.#resolved || this.#isClosed) return;
      // The old socket is closed last: if the new one cannot be opened, the old one still sends, and the next
      // look-up tries again.
      const before = this.#socket;
      this.#socket = open(host, address.port, (error) => this.#complaints.complain(error));
      this.#resolved = host;
      void before?.close();
    } catch (error) {
      this.#complaints.complain(error);
    }
  }

  /**
   * Sends the counts since the last time; called every second. Long work is done in slices of time. If it
   * takes longer than a second, the next call does nothing. Never rejects.
   */
  send(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #send(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    for (const metric of METRICS) {
      if (metric.type === "histogram") this.#sendHistogram(socket, metric);
    }
    const slices = new Slices();
    await this.#sendCounters(socket, slices);
    await this.#sendGauges(socket, slices);
  }

  /**
   * Reads all counters before it sends any, because samples with the same name and tags in DogStatsD are
   * added up.
   */
  async #sendCounters(socket: StatsdSocket, slices: Slices): Promise<void> {
    this.#pass++;
    for (const metric of METRICS) {
      if (metric.type !== "counter" || metric.statsd === undefined) continue;
      for (const sample of metric.read(this.#context)) {
        this.#count(metric, sample);
        if (slices.isOver()) await slices.next();
      }
    }
    for (const series of this.#counters.values()) {
      this.#sendCounter(socket, series);
      if (slices.isOver()) await slices.next();
    }
  }

  #count(metric: SharedMetric, { labels, value }: Sample): void {
    const statsd = nameOf(metric, labels);
    if (statsd === undefined) return;
    let key = statsd.name;
    for (const tag of statsd.tags) key += `\n${labels[tag]}`;
    let series = this.#counters.get(key);
    if (series === undefined) {
      series = { statsd, labels, value: 0, sent: 0, pass: 0 };
      this.#counters.set(key, series);
    }
    if (series.pass !== this.#pass) series.value = 0;
    series.pass = this.#pass;
    series.value += value;
  }

  #sendCounter(socket: StatsdSocket, series: CounterSeries): void {
    const grown = series.value - series.sent;
    if (grown <= 0) return;
    series.sent += grown;
    socket.send(lineOf(series, "c", grown), (error) => {
      series.sent -= grown;
      this.#complaints.complain(error);
    });
  }

  async #sendGauges(socket: StatsdSocket, slices: Slices): Promise<void> {
    this.#gauges ??= gaugesOf(this.#context);
    for (let count = 0; count < GAUGES_A_SECOND_MAX; count++) {
      const next = this.#gauges.next();
      if (next.done) {
        this.#gauges = undefined;
        return;
      }
      this.#sendGauge(socket, next.value);
      if (slices.isOver()) await slices.next();
    }
  }

  #sendGauge(socket: StatsdSocket, series: Series): void {
    if (!Number.isFinite(series.value)) return; // The age is infinite if no snapshot was ever read.
    socket.send(lineOf(series, "g", series.value), (error) => this.#complaints.complain(error));
  }

  /** One line for each bucket, all in one datagram. */
  #sendHistogram(socket: StatsdSocket, metric: HistogramMetric): void {
    const { counts } = metric.read(this.#context);
    const grown = counts.map((count, bucket) =>
      Math.min(count - (this.#sentDelays[bucket] ?? 0), OBSERVATIONS_MAX),
    );
    const lines: string[] = [];
    grown.forEach((times, bucket) => {
      if (times === 0) return;
      lines.push(statsdLine(metric.statsd[0], "h", middleOfBucketMs(bucket), {}, 1 / times));
    });
    if (lines.length === 0) return;
    this.#handOverDelays(grown, 1);
    socket.send(lines.join("\n"), (error) => {
      this.#handOverDelays(grown, -1);
      this.#complaints.complain(error);
    });
  }

  #handOverDelays(grown: Float64Array, sign: 1 | -1): void {
    grown.forEach((times, bucket) => {
      this.#sentDelays[bucket] = (this.#sentDelays[bucket] ?? 0) + sign * times;
    });
  }
}

interface Series {
  readonly statsd: StatsdName;
  readonly labels: Labels;
  value: number;
}

/** A counter, or the sum of several that have the same name and tags in DogStatsD. */
interface CounterSeries extends Series {
  /** The part of `value` that has been sent. */
  sent: number;
  /** The pass over all counters in which `value` was read. */
  pass: number;
}

/** The name of a sample in DogStatsD; undefined if it is not sent. */
function nameOf(metric: SharedMetric, labels: Labels): StatsdName | undefined {
  return metric.statsd.find(({ takes }) => takes === undefined || takes(labels));
}

/** All gauges. Each is read at the moment when the iteration reaches it. */
function* gaugesOf(context: MonitorContext): Generator<Series> {
  for (const metric of METRICS) {
    if (metric.type !== "gauge" || metric.statsd === undefined) continue;
    for (const { labels, value } of metric.read(context)) {
      const statsd = nameOf(metric, labels);
      if (statsd !== undefined) yield { statsd, labels, value };
    }
  }
}

function lineOf({ statsd, labels }: Series, type: StatsdType, value: number): string {
  return statsdLine(statsd, type, value, labels);
}

async function resolveHost(host: string): Promise<string> {
  return (await lookup(host)).address;
}

function openSocket(host: string, port: number, onError: (error: Error) => void): StatsdSocket {
  return new StatsdSocket(host, port, onError);
}
