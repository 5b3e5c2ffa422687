/** The kinds of monitor. A new one is a file beside this, and a line here. */

import { dogstatsd } from "./dogstatsd.ts";
import type { MonitorKind } from "./monitor.ts";
import { prometheus } from "./prometheus.ts";

export const MONITORS: readonly MonitorKind[] = [dogstatsd, prometheus];
