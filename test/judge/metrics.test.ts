import { describe, expect, test } from "bun:test";
import { type JudgedOutcome, metricsOf, weightsOf } from "../../src/judge/metrics.ts";

const SOUND: JudgedOutcome = { isError: false, responseMs: 20, isBrought: true, events: [] };

const WEIGHTS = weightsOf({ bounds: 2, isBroughtTold: true, events: { "no-basket": 0.5 } });

function badIn(outcome: Partial<JudgedOutcome>): string[] {
  return metricsOf(WEIGHTS, [400, 1_000])
    .filter(({ isBad }) => isBad({ ...SOUND, ...outcome }))
    .map(({ name }) => name);
}

describe("weights", () => {
  test("of the standard metrics, with bounds of slowness and without", () => {
    expect(weightsOf({ bounds: 0, isBroughtTold: true })).toEqual({ errors: 0.75, "known-errors": 0.25 });
    const three = weightsOf({ bounds: 3, isBroughtTold: true });
    expect(Object.keys(three)).toEqual(["errors", "known-errors", "slow-1", "slow-2", "slow-3"]);
    expect(Object.values(three).map((weight) => Number(weight.toFixed(12)))).toEqual([
      ...[0.6, 0.2, 0.066666666667, 0.066666666667, 0.066666666667],
    ]);
  });

  test("errors have the weight of known errors if no proxy tells whether visitors are known", () => {
    expect(weightsOf({ bounds: 1, isBroughtTold: false })).toEqual({ errors: 0.8, "slow-1": 0.2 });
    expect(weightsOf({ bounds: 0, isBroughtTold: false })).toEqual({ errors: 1 });
  });

  test("an application's event has its own weight, and the others shrink", () => {
    expect(WEIGHTS).toEqual({
      ...{ errors: 0.3, "known-errors": 0.1, "slow-1": 0.05, "slow-2": 0.05, "event:no-basket": 0.5 },
    });
  });

  test("a metric of a newer program is left out, and so is a bound that the release does not have", () => {
    const names = metricsOf({ errors: 0.5, moods: 0.3, "slow-3": 0.2 }, [400]).map(({ name }) => name);
    expect(names).toEqual(["errors"]);
  });
});

describe("bad outcomes", () => {
  test.each([
    ["a sound answer", {}, []],
    ["an error of a known visitor", { isError: true }, ["errors", "known-errors"]],
    ["an error of a new visitor", { isError: true, isBrought: false }, ["errors"]],
    ["an error of a visitor that may be new", { isError: true, isBrought: undefined }, ["errors"]],
    ["an answer just within the bound", { responseMs: 400 }, []],
    ["a slow answer", { responseMs: 400.5 }, ["slow-1"]],
    ["a very slow answer", { responseMs: 1_001 }, ["slow-1", "slow-2"]],
    ["an unknown time", { responseMs: Number.NaN }, []],
    ["an event of the application", { events: ["other", "no-basket"] }, ["event:no-basket"]],
    ["an event with a standard name", { events: ["errors"] }, []],
  ] as const)("%s", (_, outcome, names) => {
    expect(badIn(outcome)).toEqual([...names]);
  });

  test("the gate asks for errors alone, of the visitors who can meet them", () => {
    const met = (isBrought: boolean | undefined) =>
      metricsOf(WEIGHTS, [400, 1_000])
        .filter(({ couldMeet }) => couldMeet?.({ ...SOUND, isBrought }))
        .map(({ name }) => name);
    expect(met(true)).toEqual(["errors", "known-errors"]);
    expect(met(false)).toEqual(["errors"]);
    expect(met(undefined)).toEqual(["errors"]);
  });
});
