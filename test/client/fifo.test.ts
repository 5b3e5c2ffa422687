import { expect, test } from "bun:test";
import { Fifo } from "../../src/client/fifo.ts";
import { holds } from "../support/random.ts";

test("a Fifo does the same as an array, in every order of calls", () => {
  holds(20, (random) => {
    const fifo = new Fifo<{ n: number }>();
    const array: { n: number }[] = [];
    for (let n = 0; n < 5_000; n++) {
      const pushes = random.whole(0, 4);
      for (let i = 0; i < pushes; i++) {
        fifo.push({ n });
        array.push({ n });
      }
      const shifts = random.whole(0, 4);
      for (let i = 0; i < shifts; i++) expect(fifo.shift()).toEqual(array.shift());
      expect(fifo.peek()).toEqual(array[0]);
      expect(fifo.length).toBe(array.length);
    }
    expect(fifo.drain()).toEqual(array);
    expect([fifo.length, fifo.shift(), fifo.drain()]).toEqual([0, undefined, []]);
  });
});
