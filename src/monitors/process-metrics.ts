/**
 * The metrics of a process that Prometheus and OpenTelemetry expect, under their usual names: memory, CPU
 * time, descriptors, and start time. The resource of OpenTelemetry has the start time.
 */

import { readdir } from "node:fs/promises";
import type { PulledMetric, Sample } from "./metric.ts";

const DESCRIPTORS_OF_PROCESS = "/proc/self/fd";

export const PROCESS_METRICS: readonly PulledMetric[] = [
  {
    name: "process_resident_memory_bytes",
    type: "gauge",
    unit: "bytes",
    otlp: { name: "process.memory.usage", unit: "By", kind: "updowncounter" },
    labels: [],
    help: "Resident memory size in bytes.",
    read: () => [{ labels: {}, value: process.memoryUsage.rss() }],
  },
  {
    name: "process_cpu_seconds_total",
    type: "counter",
    unit: "seconds",
    otlp: {
      ...{ name: "process.cpu.time", unit: "s", kind: "counter" },
      attributes: { mode: "cpu.mode" },
      read: cpuSecondsByMode,
    },
    labels: [],
    help: "Total user and system CPU time spent in seconds.",
    read: () => [{ labels: {}, value: cpuSeconds() }],
  },
  {
    name: "process_start_time_seconds",
    type: "gauge",
    unit: "seconds since 1970",
    otlp: undefined,
    labels: [],
    help: "Start time of the process since unix epoch in seconds.",
    read: ({ processStartedAt }) => [{ labels: {}, value: Math.round(processStartedAt.getTime() / 1000) }],
  },
  {
    name: "process_open_fds",
    type: "gauge",
    unit: "descriptors",
    otlp: { name: "process.unix.file_descriptor.count", unit: "{file_descriptor}", kind: "updowncounter" },
    labels: [],
    help: "Number of open file descriptors.",
    read: openDescriptors,
  },
];

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function cpuSecondsByMode(): Sample[] {
  const { user, system } = process.cpuUsage();
  return [
    { labels: { mode: "user" }, value: user / 1e6 },
    { labels: { mode: "system" }, value: system / 1e6 },
  ];
}

/**
 * Asynchronous, because listing ten thousand descriptors takes milliseconds, and requests must not wait for
 * that.
 */
async function openDescriptors(): Promise<Sample[]> {
  try {
    return [{ labels: {}, value: (await readdir(DESCRIPTORS_OF_PROCESS)).length - 1 }];
  } catch {
    return []; // There is no /proc, or no free descriptor to open it.
  }
}
