/** No process listens on the statsd port, under load: the daemon of 2016 died of that. */

import { expect, test } from "bun:test";
import { connect } from "node:net";
import { DaemonHome } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/port.ts";
import { expectHealthy, residentBytes } from "./health.ts";

/** Asks without a pause for `durationMs`; resolves with the number of answers. */
async function load(path: string, durationMs: number): Promise<number> {
  const batch = "0.123456789\n".repeat(500);
  const answer = "0.123456789\ncanary\n".repeat(500).length;
  const socket = connect({ path });
  const until = performance.now() + durationMs;
  let answered = 0;
  let bytes = 0;
  await new Promise<void>((resolve, reject) => {
    socket.on("connect", () => socket.write(batch));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the daemon closed the connection")));
    socket.on("data", (data) => {
      bytes += data.length;
      if (bytes < answer) return;
      bytes = 0;
      answered += 500;
      if (performance.now() > until) resolve();
      else socket.write(batch);
    });
  });
  socket.removeAllListeners("close");
  socket.destroy();
  return answered;
}

test("law 6: without a statsd on the port, and under full load, every request is answered", async () => {
  const home = new DaemonHome({
    records: { canary: 0.25 },
    flags: ["-statsd", `127.0.0.1:${await freePort()}`],
  });
  const daemon = await home.start();
  try {
    await load(home.socket, 200);
    const beforeBytes = residentBytes(daemon.pid);
    expect(await load(home.socket, 3_500)).toBeGreaterThan(10_000);
    await expectHealthy(home, daemon, beforeBytes);
    await eventually(() => / warn .*statsd/i.test(daemon.log), "the warning in the log");
    expect(daemon.log.match(/ (warn|error) /g)?.length).toBe(1);
  } finally {
    expect(await daemon.end()).toBe(0);
    home.remove();
  }
}, 20_000);
