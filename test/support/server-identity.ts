/** Servers to count for in tests, with nothing behind them. */

import type { ServerIdentity } from "../../src/metrics.ts";

export function listener(protocol: string, path = "/tmp/maxwells-daemon.sock"): ServerIdentity {
  return { protocol, address: { kind: "unix", path }, listens: true, leasesTo: null };
}
