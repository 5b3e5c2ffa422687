/** A process that may open only a few files. */

import { expect, test } from "bun:test";
import { DaemonHome, DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { LineClient } from "../support/line.ts";
import { expectHealthy, residentBytes } from "./health.ts";

test("where descriptors run out, new connections are closed at once and open ones are served", async () => {
  const home = new DaemonHome({ records: { canary: 0.25 } });
  const limited = ["sh", "-c", 'ulimit -n 160; exec "$@"', "sh", ...home.command];
  const daemon = await DaemonProcess.of(
    Bun.spawn(limited, { stdin: "ignore", stdout: "ignore", stderr: "pipe" }),
  );
  const beforeBytes = residentBytes(daemon.pid);
  const clients: LineClient[] = [];
  try {
    for (let i = 0; i < 300; i++) {
      // One that is closed at once may hear of it while it still connects.
      await LineClient.connect({ path: home.socket }).then(
        (client) => clients.push(client),
        () => {},
      );
    }
    const answers = await Promise.allSettled(clients.map((client) => client.ask("0.1")));
    const answered = answers.filter(({ status }) => status === "fulfilled").length;
    // 160 descriptors, 32 of them for the admin listener, 64 for everything else; of the rest a peer has three
    // quarters.
    expect(answered).toBe(48);
    expect((await daemon.state()).servers[0]?.refused).toBeGreaterThanOrEqual(300 - 48);
    const told = /warn +too many connections; new ones are closed .*limit=64 open=48/;
    await eventually(() => told.test(daemon.log), "the log says so");
    // The store is still read.
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
