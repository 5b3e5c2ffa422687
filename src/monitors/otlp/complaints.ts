/**
 * The log lines about a collector: one when metrics do not reach it any more, one when it takes them again,
 * and its own remarks. Visitors notice nothing of all this. Texts of the SDK and of the collector may repeat
 * a header, so its values are hidden.
 */

import type { MonitorContext } from "../monitor.ts";
import type { Destination } from "./destination.ts";
import { secretsOf, withoutSecrets } from "./environment.ts";

/** If the collector stays away, the log says so again after this time. */
const COMPLAINT_MS = 3_600_000;

const TEXT_LENGTH_MAX = 300;

const AWAY = "metrics do not reach OpenTelemetry; visitors notice nothing, and the daemon goes on trying";

export class OtlpComplaints {
  readonly #shown: string;
  readonly #context: Pick<MonitorContext, "log" | "clock">;
  readonly #secrets: readonly string[];
  /** The reason that was logged last, and when; undefined while metrics arrive. */
  #told: { readonly reason: string; readonly atMs: number } | undefined;

  constructor({ shown }: Pick<Destination, "shown">, context: MonitorContext) {
    this.#shown = shown;
    this.#context = context;
    this.#secrets = secretsOf(context.environment);
  }

  /** @param reason a few words without a text of the collector */
  failed(reason: string): void {
    const nowMs = this.#context.clock();
    const told = this.#told;
    if (told?.reason === reason && nowMs - told.atMs < COMPLAINT_MS) return;
    this.#told = { reason, atMs: nowMs };
    this.#context.log.warn(AWAY, { otlp: this.#shown, error: reason, ...remedyOf(reason) });
  }

  arrived(): void {
    if (this.#told === undefined) return;
    this.#told = undefined;
    const ends = (message: string) => message === AWAY;
    this.#context.log.info("metrics reach OpenTelemetry again", { otlp: this.#shown }, ends);
  }

  /** A warning of the SDK, such as a variable that it cannot read, or points that the collector refused. */
  remark(text: string): void {
    const problem = withoutSecrets(text, this.#secrets, TEXT_LENGTH_MAX);
    this.#context.log.warn("OpenTelemetry has a remark; visitors notice nothing", {
      ...{ otlp: this.#shown, problem },
    });
  }
}

function remedyOf(reason: string): { readonly remedy?: string } {
  if (/^status 40[13]$/.test(reason)) return { remedy: "correct the key in OTEL_EXPORTER_OTLP_HEADERS" };
  if (/^status (3\d\d|404|405|415)$/.test(reason)) {
    return { remedy: "correct the address; a collector takes OTLP over HTTP at port 4318, path /v1/metrics" };
  }
  return {};
}
