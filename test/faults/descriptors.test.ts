/** A process that may open only a few files. */

import { expect, test } from "bun:test";
import { DaemonHome, DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { LineClient } from "../support/line.ts";
import { expectHealthy, residentBytes } from "./health.ts";

test("without free descriptors, new connections are closed at once and open ones are still served", async () => {
  const home = new DaemonHome({ records: { canary: 0.25 } });
  const limited = ["sh", "-c", 'ulimit -n 160; exec "$@"', "sh", ...home.command];
  const daemon = await DaemonProcess.of(
    Bun.spawn(limited, { stdin: "ignore", stdout: "ignore", stderr: "pipe" }),
  );
  const beforeBytes = residentBytes(daemon.pid);
  const clients: LineClient[] = [];
  try {
    for (let i = 0; i < 300; i++) {
      // If the daemon closes the connection at once, the client may get the reset while it still connects.
      await LineClient.connect({ path: home.socket }).then(
        (client) => clients.push(client),
        () => {},
      );
    }
    const answers = await Promise.allSettled(clients.map((client) => client.ask("0.1")));
    const answered = answers.filter(({ status }) => status === "fulfilled").length;
    // There are 160 descriptors: 32 are for the admin listener and 64 for all other needs. One peer may have
    // three quarters of the rest.
    expect(answered).toBe(48);
    expect((await daemon.state()).servers[0]?.refused).toBeGreaterThanOrEqual(300 - 48);
    const told = /warn +too many connections; new ones are closed, .*limit=64 open=48/;
    await eventually(() => told.test(daemon.log), "the warning in the log");
    // The daemon still reads the store.
    home.write({ canary: 0.75 });
    await daemon.follows("canary", 0.75);
    home.write({ canary: 0.25 });
    await daemon.follows("canary", 0.25);
    for (const client of clients) client.close();
    await expectHealthy(home, daemon, beforeBytes);
  } finally {
    for (const client of clients) client.close();
    await daemon.end();
    home.remove();
  }
}, 20_000);
