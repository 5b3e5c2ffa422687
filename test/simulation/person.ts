/**
 * A person who types, with a machine, clocks and a network of their own. Each command is a process that ends
 * with its outcome, or after the time limit of the command line. A person who did not get an answer types the
 * same words again.
 */

import { keyOf as keyOfLooked, pinOf } from "../../src/cli/releases/verb.ts";
import { type Change, isDown } from "../../src/records/change.ts";
import { type WriteMeans, writeChange } from "../../src/records/write.ts";
import { PlanProblems, parsePlan } from "../../src/releases/plan-parser.ts";
import type { Inconclusive, Release } from "../../src/releases/release.ts";
import type { Request } from "../../src/releases/request.ts";
import { StoreError } from "../../src/stores/store.ts";
import { type Carrying, carryOut, lowers } from "../../src/verbs/carry-out.ts";
import type { ChosenPlan } from "../../src/verbs/chosen-plan.ts";
import { fadeOut } from "../../src/verbs/fade-out.ts";
import { type Looked, type Target, timeFor } from "../../src/verbs/look.ts";
import { meet } from "../../src/verbs/meeting.ts";
import { setFreeze } from "../../src/verbs/set-freeze.ts";
import { startOf } from "../../src/verbs/start.ts";
import { Random } from "../support/random.ts";
import { Client } from "./client.ts";
import { keyOf, type World } from "./daemon.ts";
import { FAIR, type Weather } from "./network.ts";
import { Process } from "./scheduler.ts";

/** The time limit of a command for its store, and the time that it has afterwards to look. */
const TIMEOUT_MS = 10_000;
const GRACE_MS = 2_000;

/** After the start of a release, a command looks for another one for this long. */
const MEETING_MS = 10_000;

/** Words of a command. */
export type Words =
  | {
      readonly verb: "release";
      readonly plan: string;
      readonly replace: boolean;
      readonly inconclusive: Inconclusive;
      readonly failsafe: "hold" | undefined;
      readonly windows: readonly string[] | undefined;
    }
  | {
      readonly verb: "promote";
      readonly expectStep: number | undefined;
      readonly to: number | undefined;
      readonly resume: boolean;
    }
  | { readonly verb: "pause" | "resume" | "abort" }
  | { readonly verb: "undo" | "finish"; readonly overMs: number }
  | { readonly verb: "set"; readonly rollout: number }
  | { readonly verb: "freeze" }
  | { readonly verb: "unfreeze" };

/** The words of a verb on a release. */
type VerbWords = Exclude<Words, { readonly verb: "set" | "freeze" | "unfreeze" }>;

/** The fate of one command. */
export interface Typed {
  readonly words: Words;
  readonly target: Target;
  readonly name: string;
  readonly beganAtMs: number;
  endedAtMs: number | undefined;
  /** `written`, `unchanged`, `refused: …`, `no answer`. */
  outcome: string;
  /** The request that was made from the first look. */
  request: Request | undefined;
  /** The revision of the record at the first look; null if there was no record. */
  revision: string | null;
  /** The marks of its writes that arrived. */
  readonly txs: Set<string>;
  /** Whether the write is done, and the command now lowers the rollout along a fade. */
  isFading: boolean;
  readonly client: Client;
}

export interface PersonOptions {
  readonly name: string;
  readonly wallSkewMs: number;
  readonly seed: number;
}

export class Person {
  readonly options: PersonOptions;
  weather: Weather = FAIR;
  readonly #world: World;
  readonly #typed: (typed: Typed) => void;
  readonly #random: Random;

  /** @param typed called at the end of each command */
  constructor(options: PersonOptions, world: World, typed: (typed: Typed) => void) {
    this.options = options;
    this.#world = world;
    this.#typed = typed;
    this.#random = new Random(options.seed);
  }

  /**
   * Types words, and types them again if there is no answer.
   *
   * @param times how often at most
   */
  type(words: Words, target: Target, times: number): void {
    const { scheduler, timeline, engine, abilities } = this.#world;
    const { name, wallSkewMs } = this.options;
    const process = new Process(scheduler, name, { wallSkewMs, monotonicMs: 5_000 });
    const random = new Random(this.#random.bits());
    const client = new Client({
      ...{ engine, process, abilities, random, timeline },
      author: { kind: "person", name },
      weather: () => this.weather,
    });
    const typed: Typed = {
      ...{ words, target, name, client, beganAtMs: scheduler.nowMs, endedAtMs: undefined },
      ...{ outcome: "no answer", request: undefined, revision: null, txs: new Set(), isFading: false },
    };
    client.typed = typed;
    timeline.tell(name, `types ${describe(words)} for ${target.version} of ${target.application}`);
    const end = (outcome: string) => {
      if (process.isDead) return;
      process.kill();
      typed.outcome = outcome;
      typed.endedAtMs = scheduler.nowMs;
      timeline.tell(name, `${words.verb}: ${outcome}`);
      this.#typed(typed);
      if (!outcome.startsWith("no answer") || times <= 1) return;
      scheduler.after(2_000 + 10_000 * this.#random.fraction(), () => {
        this.type(this.#again(words, typed), target, times - 1);
      });
    };
    process.after(TIMEOUT_MS + GRACE_MS, () => {
      if (!typed.isFading) end("no answer in time");
    });
    this.#run(typed, process, random).then(end, (error: unknown) => {
      if (!(error instanceof StoreError) && !(error instanceof DOMException)) throw error;
      end(`no answer: ${error.message}`);
    });
  }

  /** A careful person who raises names the step that the first command started from. */
  #again(words: Words, { request }: Typed): Words {
    if (words.verb !== "promote" || request?.verb !== "promote") return words;
    return { ...words, expectStep: request.pin.step };
  }

  async #run(typed: Typed, process: Process, random: Random): Promise<string> {
    const { words, target, client } = typed;
    const signal = limit(process, TIMEOUT_MS);
    const carrying: Carrying = {
      ...{ store: client, author: `${this.options.name}@desk`, why: "it is time", signal },
      ...{ wallClock: process.wallClock, drawKey: () => keyOf(random), random: () => random.fraction() },
      pause: (ms) => pause(process, ms),
      timeLimit: (ms) => limit(process, ms),
    };
    if (words.verb === "set") return this.#set(words.rollout, target, carrying, process);
    if (words.verb === "freeze" || words.verb === "unfreeze") {
      const { kind } = await setFreeze(words.verb === "freeze", carrying);
      return kind === "failed" || kind === "unsure" ? `no answer: ${kind}` : kind;
    }
    const outcome = await carryOut(
      target,
      (looked) => {
        const request = requestOf(words, looked, random);
        typed.request = request;
        typed.revision = looked.record?.revision ?? null;
        return request;
      },
      carrying,
    );
    if (outcome.kind === "written" && outcome.release !== null) {
      await this.#goOn(typed, outcome.release, outcome.rollout, carrying, process);
    }
    switch (outcome.kind) {
      case "failed":
      case "unsure":
        return `no answer: ${outcome.kind}`;
      case "unchanged":
      case "refused":
      case "misused":
        return `${outcome.kind}: ${outcome.code}`;
      default:
        return outcome.kind;
    }
  }

  /** Some commands go on after their write. */
  async #goOn(
    typed: Typed,
    release: Release,
    rollout: number,
    carrying: Carrying,
    process: Process,
  ): Promise<void> {
    const { target, words } = typed;
    if (words.verb === "release") {
      const signal = limit(process, MEETING_MS);
      await meet(target, release.key, { ...carrying, signal }, process.clock).catch((error: unknown) => {
        if (!(error instanceof StoreError)) throw error;
      });
      return;
    }
    if (release.fade === undefined) return;
    typed.isFading = true;
    const interrupt = new AbortController();
    if (this.#random.whole(0, 3) === 0)
      process.after(20_000 * this.#random.fraction(), () => interrupt.abort());
    const { signal } = interrupt;
    const end = await fadeOut({
      ...{ target, release, rollout, carrying: { ...carrying, signal }, monotonic: process.clock },
      ...{ idle: (ms) => pause(process, ms), interrupt: signal, told() {} },
    });
    this.#world.timeline.tell(this.options.name, `the fade: ${end.kind}`);
  }

  async #set(rollout: number, target: Target, carrying: Carrying, process: Process): Promise<string> {
    const { store, signal, wallClock, random, pause, timeLimit, author, why, drawKey } = carrying;
    const now = () => new Date(wallClock());
    const change: Change = {
      ...{ ...target, rollout, offset: undefined, failsafe: undefined, expect: undefined },
      ...{ isNew: true, mayOverlap: true, signature: { author, at: now(), why } },
    };
    const means: WriteMeans = { now, random, pause, timeLimit };
    const stampOf = async () => ({
      nowMs: await timeFor(store, true, { signal, wallClock: process.wallClock, timeLimit }),
      ...{ tx: drawKey(), author },
    });
    const outcome = await writeChange(change, store, signal, stampOf, means);
    if (outcome.kind === "failed" || outcome.kind === "unsure") return `no answer: ${outcome.kind}`;
    return outcome.kind === "refused" ? `refused: ${outcome.refusal.code}` : outcome.kind;
  }
}

/** Whether a command takes visitors back or stops, so that it must not wait for anything. */
export function isLowering(words: Words, target: Target): boolean {
  if (words.verb === "set")
    return isDown({ version: target.version, rollout: words.rollout, expect: undefined });
  if (words.verb === "freeze" || words.verb === "unfreeze") return false;
  return lowers({ verb: words.verb });
}

/** The requests of the command line. */
function requestOf(words: VerbWords, looked: Looked, random: Random): Request {
  const reason = "it is time";
  switch (words.verb) {
    case "release":
      return beginning(words, looked, random);
    case "promote":
      return { verb: "promote", pin: pinOf(looked, words.expectStep), to: words.to, resume: words.resume };
    case "resume":
      return { verb: "resume", pin: pinOf(looked) };
    case "pause":
    case "abort":
      return { verb: words.verb, key: keyOfLooked(looked), reason };
    case "undo":
      return { verb: "undo", key: keyOfLooked(looked), reason, overMs: words.overMs };
    case "finish": {
      const { found } = looked.now;
      const deployed = found.kind === "release" ? found.release.of : "v1";
      return { verb: "finish", key: keyOfLooked(looked), reason, deployed, overMs: words.overMs };
    }
  }
}

function beginning(
  words: Extract<Words, { readonly verb: "release" }>,
  { snapshot, now }: Looked,
  random: Random,
): Request {
  const plan = parsePlan(words.plan);
  if (plan instanceof PlanProblems) throw new Error(`${words.plan} cannot be read as a plan`);
  const chosen: ChosenPlan = {
    ...{ name: undefined, plan, inconclusive: words.inconclusive, failsafe: words.failsafe ?? "master" },
    ...{ windows: [], slowMs: [], events: {}, offset: undefined },
  };
  const start = startOf("v42", chosen, snapshot, {
    key: () => keyOf(random),
    random: () => random.fraction(),
  });
  const { found } = now;
  const seenKey =
    found.kind === "none" ? null : found.kind === "release" ? found.release.key : (found.key ?? null);
  return {
    ...{ verb: "release", start: { ...start, windows: words.windows }, replace: words.replace, seenKey },
    reason: undefined,
  };
}

function describe({ verb, ...rest }: Words): string {
  const details = Object.entries(rest).flatMap(([name, value]) =>
    value === undefined || value === false ? [] : [`${name}=${String(value)}`],
  );
  return [verb, ...details].join(" ");
}

function limit(process: Process, ms: number): AbortSignal {
  const limited = new AbortController();
  process.timers.set(() => limited.abort(new DOMException("the time is up", "TimeoutError")), ms);
  return limited.signal;
}

function pause(process: Process, ms: number): Promise<void> {
  return new Promise((resolve) => {
    process.timers.set(resolve, ms);
  });
}
