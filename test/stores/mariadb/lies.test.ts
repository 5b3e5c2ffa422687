/** A server that is not MariaDB, or breaks its protocol. */

import { expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { openStore } from "../../../src/stores/list.ts";
import { StoreError } from "../../../src/stores/store.ts";
import { fails, soon } from "../../support/store-calls.ts";
import { within } from "../store-suite.ts";

const PASSWORD = "operator-secret";

const open = (port: number) =>
  openStore(`mariadb://ada:${PASSWORD}@127.0.0.1:${port}/suite`, {
    ...{ table: "", region: "", environment: {}, warn() {} },
  });

/** A packet of the protocol. */
const packet = (sequence: number, ...body: (number | Uint8Array)[]) => {
  const bytes = Buffer.concat(body.map((part) => (typeof part === "number" ? Buffer.of(part) : part)));
  const head = Buffer.of(0, 0, 0, sequence);
  head.writeUIntLE(bytes.length, 0, 3);
  return Buffer.concat([head, bytes]);
};
const text = (value: string) => Buffer.from(`${value}\0`);
const hello = (plugin = "mysql_native_password", version = "10.11.1-MariaDB") =>
  packet(
    ...[0, 10, text(version), Buffer.of(1, 0, 0, 0), Buffer.from("abcdefgh\0")],
    // Protocol 4.1, transactions, secure logins, plug-ins.
    ...[Buffer.of(0x0d, 0xa2), 45, Buffer.of(2, 0), Buffer.of(0x0f, 0x00), 21, Buffer.alloc(10)],
    ...[text("ijklmnopqrst"), text(plugin)],
  );
const ok = packet(2, 0, 0, 0, Buffer.of(2, 0), Buffer.of(0, 0));

test("a server that is not MariaDB, breaks its protocol or never ends is an error, and the process lives", async () => {
  const answers: Record<string, (socket: Socket) => void> = {
    "a web server": (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
    "a greeting that is too short": (socket) => socket.write(packet(0, 10, Buffer.from("x"))),
    "a packet of another number": (socket) => {
      socket.write(hello());
      socket.once("data", () => socket.write(packet(7, 0, 0, 0)));
    },
    "a wish for the password in clear text": (socket) => {
      socket.write(hello());
      socket.on("data", (bytes: Buffer) => {
        expect(bytes.toString("latin1")).not.toContain(PASSWORD);
        socket.write(packet(2, 0xfe, text("mysql_clear_password"), text("")));
      });
    },
    "a wish for a file of this machine": (socket) => {
      socket.write(hello());
      socket.once("data", () => {
        socket.write(ok);
        socket.once("data", () => {
          socket.write(packet(1, 0xfb, Buffer.from("/etc/hostname")));
          socket.on("data", (bytes: Buffer) => expect(bytes.length).toBeLessThan(5));
        });
      });
    },
    "rows without columns": (socket) => {
      socket.write(hello());
      socket.once("data", () => {
        socket.write(ok);
        socket.once("data", () => socket.write(packet(1, 0xfe, 255, 255, 255, 255, 255, 255, 255, 255)));
      });
    },
    "bytes without end": (socket) => {
      const fill = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536, 0xfe))) {}
      };
      socket.on("drain", fill);
      fill();
    },
  };
  for (const [name, answer] of Object.entries(answers)) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      answer(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const store = await open(port);
    const error = await within(4_000, fails(store.read("website", soon())));
    expect([name, error]).toEqual([name, expect.any(StoreError)]);
    await store.close();
    server.close();
  }
});

test("MySQL does not know the settings of MariaDB, and the message says that it does not work", async () => {
  const unknownVariable = packet(
    1,
    0xff,
    Buffer.of(0xa9, 0x04),
    Buffer.from("#HY000Unknown system variable"),
  );
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write(hello("mysql_native_password", "8.4.3"));
    socket.once("data", () => {
      socket.write(ok);
      socket.on("data", () => socket.write(unknownVariable));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const store = await open((server.address() as { port: number }).port);
  expect(await fails(store.read("website", soon()))).toMatchObject({
    code: "malformed",
    message: expect.stringContaining(
      "is not MariaDB 10.6 or later (1193); MySQL and earlier versions do not work",
    ),
  });
  await store.close();
  server.close();
});
