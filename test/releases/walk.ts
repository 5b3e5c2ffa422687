/**
 * A small world for random walks: one record, a store whose clock jumps, two controllers that stop and start,
 * persons with old readings, a judge, and other programs that write what they like. It knows the laws by
 * itself, from the plan and from true time, and checks each answer of the machine against them.
 */

import { type Condition, waitingFor } from "../../src/releases/due.ts";
import { move } from "../../src/releases/machine.ts";
import type { Plan, Step } from "../../src/releases/plan.ts";
import { readRelease } from "../../src/releases/read-release.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import type { Now, Outcome, Pin, Request, Stamp } from "../../src/releases/request.ts";
import { type Watch, watched } from "../../src/releases/watch.ts";
import type { Random } from "../support/random.ts";
import { planOf, START } from "./world.ts";

const PLANS = [
  "1%:2m,5%:10m+ok,25%:10m+ok<40m+check(load),50%,100%:30m",
  "10%:1m,20%:2m,40%:5m,100%:10m",
  "5%:30m,50%:20m+approve,100%",
  "5%:1m+ok<5m,50%:1m,100%:1m",
  "100%:5m",
].map(planOf);

/** Looks of a controller are seldom further apart than this in the walk, so that few looks do. */
const UNHEALTHY_MS = 600_000;
const MINUTE_MS = 60_000;

/** A request may be asked again as long as this many others came after it. */
const ASKED_MAX = 12;

export type Write = Extract<Outcome, { kind: "write" }>;

interface Controller {
  watch: Watch | undefined;
  /** True time less the monotonic clock. */
  readonly epochMs: number;
  /** How wrong its own clock is. */
  readonly skewMs: number;
  /** The sum of all jumps ahead until the first look of its watch. */
  jumpedMs: number;
}

interface Pending {
  readonly request: Request;
  readonly outcome: Write;
  readonly revision: number;
  readonly stamped: Stamped;
}

/** The true time of a stamp, and the sum of all jumps ahead of the store's clock until then. */
interface Stamped {
  readonly atMs: number;
  readonly jumpedMs: number;
}

export class World {
  readonly #random: Random;
  /** The failsafe without a release. */
  #base: "master" | "hold";
  readonly #controllers: readonly Controller[];
  #nowMs = 1_800_000_000_000;
  #storeSkewMs = 0;
  readonly #hasClock: boolean;
  #record: { rollout: unknown; offset: number; failsafe: "master" | "hold"; release: unknown };
  #revision = 0;
  #other = false;
  #pending: Pending[] = [];
  #reading: Pin | undefined;
  /** The last requests that may raise. If the answer of one was lost, it is asked again. */
  readonly #asked: Parameters<World["ask"]>[] = [];
  #keys = 0;

  // The facts for the laws, kept without the machine.
  #entered: Stamped = { atMs: 0, jumpedMs: 0 };
  #jumpedMs = 0;
  /** The arc of the last write of the machine. */
  #wrote: readonly [rollout: number, offset: number] = [0, 0];
  /** Whether a person's write holds the release back, and whether the machine has written since. */
  #isHeld = false;
  #isSettled = false;
  readonly #overKeys = new Set<string>();
  /** How often each kind of event was seen, so that a test can see that the walk goes everywhere. */
  readonly seen: Record<string, number> = {};
  /** Called with each write of the machine, and the state before it. */
  onWrite: ((now: Now, outcome: Write) => void) | undefined;

  constructor(random: Random) {
    this.#random = random;
    this.#base = random.pick(["master", "master", "hold"]);
    this.#hasClock = random.whole(0, 3) > 0;
    this.#record = { rollout: 0, offset: 0, failsafe: this.#base, release: undefined };
    this.#controllers = [0, 1].map(() => ({
      ...{
        watch: undefined,
        epochMs: random.whole(0, 1e9),
        skewMs: random.whole(-1e7, 1e7),
        jumpedMs: 0,
      },
    }));
  }

  /** One random transition. Throws if a law is broken. */
  step(): void {
    const draw = this.#random.whole(0, 99);
    if (draw < 28) this.#pass();
    else if (draw < 70) this.#control(this.#random.pick(this.#controllers));
    else if (draw < 79) this.ask(this.#personal());
    else if (draw < 80) this.ask({ verb: "verdict", key: this.#someKey(), reason: "errors" });
    else if (draw < 83) this.#land();
    else if (draw < 85) this.#foreign();
    else if (draw < 87) this.#clock();
    else if (draw < 91) this.#random.pick(this.#controllers).watch = undefined;
    else if (draw < 92) this.#other = this.#random.whole(0, 3) === 0;
    else if (draw < 96 && this.#asked.length > 0) this.ask(...this.#random.pick(this.#asked));
    else this.#reading = this.#pin();
  }

  #pass(): void {
    this.#nowMs += this.#random.pick([
      1,
      1_000,
      29_000,
      MINUTE_MS,
      3 * MINUTE_MS,
      9 * MINUTE_MS,
      11 * MINUTE_MS,
    ]);
    for (const controller of this.#controllers) if (this.#random.whole(0, 5) > 0) this.#look(controller);
  }

  #look(controller: Controller): Release | undefined {
    const { found } = this.#now();
    if (found.kind !== "release") {
      controller.watch = undefined;
      return undefined;
    }
    const look = {
      monotonicMs: this.#nowMs - controller.epochMs,
      storeMs: this.#random.whole(0, 40) === 0 ? undefined : this.#storeMs(),
    };
    const before = controller.watch;
    controller.watch = watched(before, found.release, look, UNHEALTHY_MS);
    if (controller.watch.first !== before?.first) controller.jumpedMs = this.#jumpedMs;
    return found.release;
  }

  #control(controller: Controller): void {
    const release = this.#look(controller);
    if (release === undefined || controller.watch === undefined) {
      if (this.#reading !== undefined) this.ask({ verb: "foreign", key: this.#reading.key });
      return;
    }
    const facts = {
      ...{
        watch: controller.watch,
        ok: this.#random.pick(["pass", "pass", "pass", "watch", undefined] as const),
      },
      ...{
        evidenceAgeMs: this.#random.pick([0, 0, 0, 29_000, 29_000, 31_000, undefined]),
        isFrozen: this.#random.whole(0, 9) === 0,
      },
      signs: this.#random.pick([[], [], [], [], ["back"]]),
      checks: new Map(this.#random.pick([[["load", true]], [["load", false]], []] as [string, boolean][][])),
      isOpen: this.#random.pick([true, true, true, true, false, undefined]),
    };
    const waits = waitingFor(release, this.#plan(release), facts);
    const { key, step } = this.#random.whole(0, 19) === 0 ? this.#staleOr(release) : release;
    if (release.state !== "aborted" && release.state !== "finished" && waits.length === 0) {
      throw new Error("law 15: a release is under way, and does not say what it waits for");
    }
    const request = {
      verb: "advance",
      pin: { key, step, seq: release.seq },
      waits,
    } as const;
    this.ask(request, controller, facts);
  }

  #staleOr(release: Release): Pin {
    return this.#reading ?? { key: release.key, step: this.#random.whole(1, 5) };
  }

  #personal(): Request {
    const random = this.#random;
    const fresh = this.#pin();
    const pin = (random.whole(0, 2) === 0 ? this.#reading : fresh) ?? { key: "0".repeat(24), step: 1 };
    const key = random.pick([undefined, pin.key]);
    const reason = random.pick([undefined, "INC-42"]);
    const overMs = random.pick([0, 5 * MINUTE_MS, 30 * MINUTE_MS]);
    const promote = {
      verb: "promote",
      pin,
      to: random.pick([undefined, undefined, 0.05, 0.25]),
      resume: random.whole(0, 3) === 0,
    } as const;
    return random.pick<Request>([
      ...([
        promote,
        promote,
        { verb: "resume", pin },
        { verb: "resume", pin },
        { verb: "resume", pin },
      ] as const),
      ...([
        { verb: "pause", key, reason },
        { verb: "abort", key, reason },
        { verb: "undo", key, reason, overMs },
        { verb: "clear", key, sign: random.pick(["split", "level"]), why: "a bot" },
      ] as const),
      { verb: "finish", key, reason, overMs, deployed: random.pick(["v43", "v43", "v1"]) },
      ...[0, 1, 2, 3, 4].map(() => this.#begin(fresh, reason)),
    ]);
  }

  #begin(fresh: Pin | undefined, reason: string | undefined): Request {
    const random = this.#random;
    const key = (++this.#keys).toString(16).padStart(24, "0");
    const seenKey = random.whole(0, 5) === 0 ? (this.#reading?.key ?? null) : (fresh?.key ?? null);
    const start = {
      ...START,
      ...{ key, plan: random.pick(PLANS), offset: random.whole(0, 999) / 1_000 },
      ...{
        inconclusive: random.pick(["pause", "abort"] as const),
        failsafe: random.pick([undefined, "hold"] as const),
      },
      windows: random.pick([undefined, ["mon-thu 09:00-16:00 Europe/Berlin"]]),
    };
    return { verb: "release", start, replace: random.whole(0, 3) === 0, seenKey, reason };
  }

  /** A program that knows no releases, or a person with the engine's own tools. */
  #foreign(): void {
    const random = this.#random;
    const rollout = random.pick<unknown>([
      0,
      0,
      0.01,
      0.05,
      0.03,
      0.2,
      0.5,
      0.7,
      1,
      "oops",
      this.#record.rollout,
    ]);
    if (random.whole(0, 9) === 0) this.#record.offset = random.whole(0, 999) / 1_000;
    if (random.whole(0, 19) === 0) {
      this.#record.release = random.pick<unknown>([undefined, "gone", { format: 2 }]);
      // The release that knew the failsafe before is gone. Nothing tells that a release with its key has been.
      this.#asked.length = 0;
      this.#base = this.#record.failsafe;
    }
    this.#record.rollout = rollout;
    this.#revision++;
    this.#isHeld = this.#isSettled || rollout !== this.#wrote[0] || this.#record.offset !== this.#wrote[1];
    this.#count("foreign");
  }

  #clock(): void {
    const byMs = this.#random.pick([-3_600_000, -10_000, 4_000, 6_000, 3_600_000, 86_400_000]);
    this.#storeSkewMs += byMs;
    this.#jumpedMs += Math.max(0, byMs);
  }

  /** A write that was under way arrives, if no other write came first. */
  #land(): void {
    const [pending] = this.#pending.splice(0, 1);
    if (pending?.revision !== this.#revision) return;
    this.#write(pending.request, this.#now(), pending.outcome, pending.stamped);
  }

  ask(request: Request, by?: Controller, facts?: { readonly ok: unknown; readonly isOpen: unknown }): void {
    const now = this.#now();
    const stamp: Stamp = {
      nowMs: this.#storeMs() ?? this.#nowMs + (by?.skewMs ?? this.#random.whole(-1e7, 1e7)),
      tx: this.#random.bits().toString(16).padStart(24, "0"),
      author: "ada@web-1",
    };
    const stamped = { atMs: this.#nowMs, jumpedMs: this.#jumpedMs };
    const outcome = move(now, request, stamp);
    if (mayRaise(request)) this.#asked.push([request, by, facts]);
    if (this.#asked.length > ASKED_MAX) this.#asked.shift();
    this.#count(`${request.verb} ${outcome.kind}`);
    this.#checkAnswer(now, request, outcome);
    if (outcome.kind !== "write") return;
    if (outcome.release !== null && outcome.release.tx !== stamp.tx) throw new Error("law 14: another tx");
    if (request.verb === "advance") this.#checkWait(now, request.waits as Condition[], outcome, by, facts);
    if (this.#random.whole(0, 9) === 0)
      this.#pending.push({ request, outcome, revision: this.#revision, stamped });
    else this.#write(request, now, outcome, stamped);
  }

  /** Checks that do not need the write. */
  #checkAnswer(now: Now, request: Request, outcome: Outcome): void {
    const { found } = now;
    if (found.kind !== "release") return;
    const { release } = found;
    const isUnderWay = release.state !== "aborted" && release.state !== "finished";
    const isDown = request.verb === "abort" || (request.verb === "undo" && request.overMs === 0);
    const isJudged = request.verb === "verdict" && !now.isMalformed && release.state !== "promoted";
    if ((isDown || isJudged) && (request.key ?? release.key) === release.key) {
      const isNeeded = isUnderWay || (release.fade !== undefined && request.verb !== "undo");
      if (isNeeded && !(outcome.kind === "write" && outcome.rollout === 0))
        throw new Error("law 10: down was refused");
    }
    if (outcome.kind === "write" && "pin" in request && outcome.rollout > now.rollout) {
      const { key, step } = request.pin;
      if (key !== release.key || step !== release.step) throw new Error("law 14: a stale pin raised");
    }
  }

  /** Law 15: a controller's step has had its whole wait, by true time, and all of its conditions. */
  #checkWait(
    now: Now,
    waits: readonly Condition[],
    outcome: Write,
    by: Controller | undefined,
    facts: { readonly ok: unknown; readonly isOpen: unknown } | undefined,
  ): void {
    if (outcome.notice !== "advanced" && outcome.notice !== "promoted") return;
    const release = releaseIn(now);
    const { wait } = stepAt(now.plan, release.step);
    if (wait.approve) throw new Error("law 15: a controller went on without approval");
    if (wait.ok !== undefined && facts?.ok !== "pass") throw new Error("law 12: no pass of the judge");
    if (release.windows !== undefined && facts?.isOpen !== true) throw new Error("law 15: no window is open");
    if (waits.some(({ state }) => state !== "met")) throw new Error("law 15: a condition was not met");
    const passedMs = this.#nowMs - this.#entered.atMs;
    const jumpedMs = this.#jumpedMs - this.#entered.jumpedMs;
    // A daemon that watched during all jumps of the store's clock allows 5 s of them.
    const sawJumps = by !== undefined && (jumpedMs === 0 || by.jumpedMs === this.#entered.jumpedMs);
    const leastMs = sawJumps ? wait.minMs - Math.min(5_000, jumpedMs) : Math.min(wait.minMs, MINUTE_MS);
    if (passedMs < leastMs) throw new Error(`law 15: a wait of ${wait.minMs} ms lasted ${passedMs} ms`);
  }

  #write(request: Request, now: Now, outcome: Write, stamped: Stamped): void {
    const { rollout, offset, failsafe, release } = outcome;
    const { verb } = request;
    const isByDaemon = verb === "advance" || verb === "verdict" || verb === "foreign";
    const before = now.found.kind === "release" ? now.found.release : undefined;
    if (isByDaemon && this.#isForeign(now, before) && !(verb === "verdict" && rollout === 0)) {
      if (rollout !== now.rollout || offset !== now.offset)
        throw new Error("law 11: a daemon wrote over a person");
    }
    if (isByDaemon && now.isMalformed) throw new Error("law 11: a daemon wrote over a malformed record");
    if (verb === "release" && !request.replace) {
      const isFree = before === undefined || this.#overKeys.has(before.key) || this.#isForeign(now, before);
      if (now.rollout > 0 || !isFree) throw new Error("a release replaced another one unasked");
    }
    if (verb === "release" && offset !== request.start.offset)
      throw new Error("another offset than the new one");
    if (rollout > now.rollout) this.#checkRise(request, now, before, outcome);
    if (release !== null) this.#checkRelease(release, before, outcome, now.isMalformed);
    if (!isByDaemon && (verb === "resume" || verb === "promote" || verb === "release")) this.#isHeld = false;
    this.#isSettled = this.#isHeld;
    this.#wrote = [rollout, offset];
    this.#count(outcome.notice);
    if (outcome.notice !== "cleared" && (outcome.notice !== "fading" || before?.fade === undefined)) {
      this.#entered = stamped;
    }
    const field = release === null ? this.#record.release : JSON.parse(JSON.stringify(releaseField(release)));
    this.#record = { rollout, offset, failsafe, release: field };
    this.#revision++;
    this.onWrite?.(now, outcome);
  }

  #checkRise(request: Request, now: Now, before: Release | undefined, { rollout, release }: Write): void {
    const { verb } = request;
    if (verb !== "advance" && verb !== "promote" && verb !== "release")
      throw new Error(`law 11: ${verb} raised`);
    if (verb === "advance" && this.#isHeld)
      throw new Error("law 11: a controller raised after a person's write");
    if (release === null) throw new Error("an unreadable release was raised");
    const { plan } = verb === "release" ? request.start : now;
    if (rollout !== stepAt(plan, release.step).rollout) throw new Error("law 15: not the share of the step");
    if (verb === "release") {
      if (release.step !== 1) throw new Error("law 15: a release began above its first step");
      return;
    }
    if (before === undefined || this.#overKeys.has(release.key))
      throw new Error("a release that was over was raised");
    const shares = (plan as Plan).steps.map((step) => step.rollout);
    const isPaused = before.state === "paused" || this.#isForeign(now, before);
    const step = isPaused ? shares.filter((share) => share <= now.rollout).length : before.step;
    if (release.step !== step + 1) throw new Error(`law 15: from step ${step} to ${release.step}`);
    if (isPaused && !(verb === "promote" && request.resume)) throw new Error("a paused release was raised");
  }

  #checkRelease(
    release: Release,
    before: Release | undefined,
    { rollout, offset, failsafe }: Write,
    isMended: boolean,
  ): void {
    if (before !== undefined && release.seq <= before.seq) throw new Error("law 14: seq did not grow");
    const plan = this.#plan(release);
    const isRising = release.state === "running" || release.state === "promoted";
    if (isRising && rollout !== stepAt(plan, release.step).rollout)
      throw new Error("a rollout that is not the plan's");
    if (release.state === "promoted" && rollout !== 1) throw new Error("promoted below 100%");
    if (release.wrote[0] !== rollout || release.wrote[1] !== offset)
      throw new Error("wrote is not the record");
    if (this.#overKeys.has(release.key) && isRising) throw new Error("a release that was over goes on");
    if (release.state === "aborted" || release.state === "finished") this.#overKeys.add(release.key);
    const isHolding = release.state === "promoted" || release.from === "promoted";
    const wanted = isHolding ? (release.failsafe ?? this.#base) : this.#base;
    if (isMended) this.#base = "master";
    if (failsafe !== wanted && !isMended) throw new Error(`failsafe ${failsafe} in ${release.state}`);
    const read = readRelease(JSON.parse(JSON.stringify(releaseField(release))));
    if (read.kind !== "release") throw new Error(`a release that cannot be read: ${JSON.stringify(read)}`);
  }

  #isForeign({ rollout, offset, isMalformed }: Now, before: Release | undefined): boolean {
    if (before === undefined || isMalformed) return false;
    return rollout !== before.wrote[0] || offset !== before.wrote[1];
  }

  #now(): Now {
    const { rollout, offset, failsafe, release } = this.#record;
    const found = readRelease(release);
    const isMalformed = typeof rollout !== "number";
    return {
      ...(isMalformed ? { rollout: 0, offset: 0, failsafe: "master" } : { rollout, offset, failsafe }),
      ...{ isMalformed, found, plan: found.kind === "release" ? this.#plan(found.release) : undefined },
      otherVersion: this.#other ? "blue" : undefined,
    };
  }

  #plan(release: Release): Plan | undefined {
    return PLANS.find(({ text }) => text === release.plan);
  }

  #pin(): Pin | undefined {
    const { found } = this.#now();
    return found.kind === "release" ? { key: found.release.key, step: found.release.step } : undefined;
  }

  #someKey(): string {
    return this.#random.pick([this.#pin(), this.#pin(), this.#reading])?.key ?? "0".repeat(24);
  }

  #storeMs(): number | undefined {
    return this.#hasClock ? this.#nowMs + this.#storeSkewMs : undefined;
  }

  #count(name: string): void {
    this.seen[name] = (this.seen[name] ?? 0) + 1;
  }
}

function mayRaise(request: Request): boolean {
  if (request.verb === "advance") return request.waits.every(({ state }) => state === "met");
  return request.verb === "release" || "pin" in request;
}

function releaseIn({ found }: Now): Release {
  if (found.kind !== "release") throw new Error("there is no release");
  return found.release;
}

function stepAt(plan: Plan | undefined, step: number): Step {
  const found = plan?.steps[step - 1];
  if (found === undefined) throw new Error(`the plan has no step ${step}`);
  return found;
}
