/** The kinds of monitor. To add one, put its file beside this one, and add a line here. */

import { dogstatsd } from "./dogstatsd.ts";
import type { MonitorKind } from "./monitor.ts";
import { otlp } from "./otlp.ts";
import { prometheus } from "./prometheus.ts";

export const MONITORS: readonly MonitorKind[] = [dogstatsd, otlp, prometheus];
