/**
 * OpenTelemetry: sends metrics by OTLP over HTTP, once a minute, to a collector or to any program that takes
 * OTLP.
 *
 * The official SDK does it (`otlp/sdk.ts`). It is loaded when the monitor starts, so a daemon without a
 * collector never reads it. The variables `OTEL_…` of the environment count as in every program with this
 * SDK. docs/decisions/0050-opentelemetry.md says what is done here and not by the SDK.
 */

import { Problem } from "../config/option.ts";
import { orNone, single } from "../config/values.ts";
import { CLOSE_MS, type Monitor, type MonitorContext, type MonitorKind } from "./monitor.ts";
import { OtlpComplaints } from "./otlp/complaints.ts";
import { type Destination, destinationOf, namedUrl } from "./otlp/destination.ts";
import { timingOf } from "./otlp/environment.ts";
import type { Exporting } from "./otlp/sdk.ts";

const address = single<string | null>(
  {
    name: "otlp",
    placeholder: "URL",
    summary:
      "the collector of OpenTelemetry that gets metrics, such as http://127.0.0.1:4318, or none; by default OTEL_EXPORTER_OTLP_ENDPOINT, if it is set",
    absent: null,
  },
  orNone((text) => {
    const url = namedUrl(text);
    return url instanceof Problem ? url : url.href;
  }),
);

export const otlp: MonitorKind = {
  name: "otlp",
  options: [address],
  create(settings, context) {
    const named = settings.isNamed(address) ? settings.get(address) : undefined;
    const destination = destinationOf(named, context.environment);
    if (destination === undefined) return undefined;
    if (!("problem" in destination)) return new Otlp(destination, context);
    context.log.warn("metrics are not sent by OTLP; visitors notice nothing", { ...destination });
    return undefined;
  },
};

export class Otlp implements Monitor {
  readonly name: string;
  readonly #destination: Destination;
  readonly #context: MonitorContext;
  readonly #complaints: OtlpComplaints;
  #exporting: Promise<Exporting | undefined> | undefined;
  #isClosed = false;

  constructor(destination: Destination, context: MonitorContext) {
    this.name = `otlp ${destination.shown}`;
    this.#destination = destination;
    this.#context = context;
    this.#complaints = new OtlpComplaints(destination, context);
  }

  start(): void {
    this.#exporting = this.#open();
  }

  async #open(): Promise<Exporting | undefined> {
    const { shown, origin, url } = this.#destination;
    try {
      const timing = timingOf(this.#context.environment, (problem) => this.#complaints.remark(problem));
      const { openExporting } = await import("./otlp/sdk.ts");
      if (this.#isClosed) return undefined;
      const seconds = timing.intervalMs / 1_000;
      this.#context.log.info("metrics go to OpenTelemetry", { otlp: shown, from: origin, seconds });
      return openExporting({ url, timing }, this.#context, this.#complaints);
    } catch (error) {
      this.#complaints.failed(error instanceof Error ? error.name : "error");
      return undefined;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const outOfTime = new Promise<undefined>((resolve) => {
      setTimeout(resolve, CLOSE_MS).unref();
    });
    const exporting = await Promise.race([this.#exporting, outOfTime]);
    await Promise.race([exporting?.sendLast(), outOfTime]);
    exporting?.abandon();
  }
}
