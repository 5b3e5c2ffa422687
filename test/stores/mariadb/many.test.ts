/** The two steps in which many applications are read, with answers of no server. */

import { expect, test } from "bun:test";
import { MariadbMany } from "../../../src/stores/mariadb/many.ts";
import type { Row } from "../../../src/stores/sql/rows.ts";
import { StoreError } from "../../../src/stores/store.ts";

const summed = (application: string, newest: number, size = 100): Row => ({
  ...{ application, size: String(size), records: "1", newest: String(newest), sum: `1 ${newest} 7` },
});
const record = (application: string, revision: number, fields = "{}"): Row => ({
  ...{ application, version: "canary", rollout: 0.5, revision: String(revision), fields },
});

/** Gives these answers, one after the other, and counts the names that each statement has. */
function server(...answers: readonly (readonly Row[])[]) {
  const left = [...answers];
  const asked: number[] = [];
  const many = new MariadbMany();
  const read = (...names: string[]) =>
    many.read(names, (use) =>
      use(async (_, values = []) => {
        asked.push(new Set(values).size);
        return left.shift() ?? [];
      }),
    );
  return { read, asked };
}

test("records are read again only if the sum has changed", async () => {
  const sums = [summed("a", 1), summed("b", 2)];
  const { read, asked } = server(
    ...[sums, [record("a", 1), record("b", 2)], sums],
    ...[[summed("a", 1), summed("b", 3)], [record("b", 3)]],
  );
  const first = await read("a", "b");
  const second = await read("a", "b");
  const third = await read("a", "b");
  expect(asked).toEqual([2, 2, 2, 2, 1]);
  for (const name of ["a", "b"]) expect(second.get(name)).toBe(first.get(name));
  expect(third.get("a")).toBe(first.get("a"));
  expect(third.get("b")).not.toBe(first.get("b"));
});

test("records that were written between the two steps are not taken for those of the sum", async () => {
  const { read, asked } = server([summed("a", 1)], [record("a", 2)], [summed("a", 1)], [record("a", 1)]);
  await read("a");
  const later = (await read("a")).get("a");
  expect(asked.length).toBe(4);
  expect(later instanceof Map && later.get("canary")?.position).toBe(1);
});

test("long applications are read alone, and short ones together", async () => {
  const names = Array.from({ length: 10 }, (_, index) => `app${index}`);
  const sizes = [100, 100, 100_000, 30_000, 30_000, 30_000, 1_000_000, 100, 100, 100];
  const { read, asked } = server(names.map((name, index) => summed(name, index, sizes[index])));
  await read(...names);
  expect(asked).toEqual([10, 2, 1, 2, 1, 1, 3]);
});

test("an application without records is empty, and one that has grown too long meanwhile is refused", async () => {
  const { read } = server([summed("a", 1)], [record("a", 2, "x".repeat(200_000))]);
  const answer = await read("a", "b");
  expect(answer.get("a")).toBeInstanceOf(StoreError);
  expect(answer.get("b")).toEqual(new Map());
});
