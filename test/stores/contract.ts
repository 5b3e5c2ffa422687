/** Runs the cases of a contract suite against one engine. */

import { afterAll, beforeAll, describe, test } from "bun:test";

/** An engine may have to be started first. */
const START_MS = 40_000;

/** A case is called with the harness of the engine. It fails if it rejects. */
export type Case<Harness> = (harness: Harness) => Promise<void>;

export interface Contract<Harness, Cases extends Readonly<Record<string, Case<Harness>>>> {
  readonly title: string;
  readonly start: () => Promise<Harness>;
  readonly cases: Cases;
  /** The cases that make no sense for this engine, and why. The title of a skipped case has the reason. */
  readonly skips: Partial<Record<keyof Cases, string>>;
  readonly caseMs: number;
}

export function contractSuite<
  Harness extends { close(): Promise<void> },
  Cases extends Readonly<Record<string, Case<Harness>>>,
>({ title, start, cases, skips, caseMs }: Contract<Harness, Cases>): void {
  describe(title, () => {
    let harness: Harness;
    beforeAll(async () => {
      harness = await start();
    }, START_MS);
    afterAll(() => harness?.close());
    for (const [name, run] of Object.entries(cases)) {
      const reason = skips[name];
      if (reason === undefined) test(name, () => run(harness), caseMs);
      else test.skip(`${name} (skipped: ${reason})`, () => {});
    }
  });
}
