import { expect, test } from "bun:test";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { Slices } from "../src/slices.ts";

function burn(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs) {
    // This loop only uses processor time.
  }
}

test("a slice ends after its time, and the next one has its full time again", async () => {
  let nowMs = 0;
  const slices = new Slices(() => nowMs);
  const steps = () => {
    let count = 0;
    while (!slices.isOver() && count < 1_000) {
      count++;
      nowMs += 0.01;
    }
    return count;
  };
  const first = steps();
  expect(first).toBeGreaterThanOrEqual(24);
  expect(first).toBeLessThan(48);
  await slices.next();
  expect(steps()).toBeGreaterThanOrEqual(16);
});

test("a question that arrives during long work is answered between two slices", async () => {
  const server = createServer((socket) => socket.on("data", () => socket.write("answer")));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");

  const slices = new Slices();
  let answers = 0;
  socket.on("data", () => {
    answers++;
    socket.write("?");
  });
  socket.write("?");
  for (let step = 0; step < 20_000; step++) {
    if (slices.isOver()) await slices.next();
    burn(0.01);
  }
  expect(answers).toBeGreaterThan(20);
  socket.destroy();
  server.close();
});
