/** One run: a whole fleet goes through a scenario, and the laws are checked at each change and at the end. */

import type { Reading } from "../../src/feed/reading.ts";
import type { Fields } from "../../src/log/log.ts";
import type { Override } from "../../src/saved/override-file.ts";
import type { StoreRecord } from "../../src/stores/store.ts";
import { FREEZE } from "../../src/verbs/freeze.ts";
import type { Call, Seen } from "./client.ts";
import { type DaemonLaws, Machine, type World } from "./daemon.ts";
import { type Commit, Engine } from "./engine.ts";
import { Happenings } from "./happenings.ts";
import { controllerFault } from "./laws/controllers.ts";
import { AllKnowledge, type Fault, type History } from "./laws/history.ts";
import { caughtFault, coinsFault } from "./laws/judged.ts";
import { nowOfRecord } from "./laws/knowledge.ts";
import { NoticeLaws } from "./laws/notices.ts";
import { OverrideLaws } from "./laws/overrides.ts";
import { personFault, typedFault } from "./laws/people.ts";
import { restFault } from "./laws/rest.ts";
import { FAIR } from "./network.ts";
import { Person, type Typed } from "./person.ts";
import { Receiver } from "./receiver.ts";
import type { Scenario } from "./scenario.ts";
import { type Process, Scheduler } from "./scheduler.ts";
import { Timeline } from "./timeline.ts";
import { Visitors } from "./visitors.ts";

/** A law that was broken. */
export interface Broken {
  readonly law: string;
  readonly text: string;
  readonly atMs: number;
}

export interface Run {
  readonly broken: Broken | undefined;
  readonly timeline: readonly string[];
  readonly events: number;
  /** True time that passed, in milliseconds. */
  readonly passedMs: number;
  /** How often each kind of thing happened, so that a test can see that runs go everywhere. */
  readonly seen: Readonly<Record<string, number>>;
}

/** A fleet in which nothing was written for so long, beside the waits of its releases, is at rest. */
const REST_MS = 130_000;

/** If visitors come, a step without a bound gets its ok in this time, or a sign holds it back. */
const OK_MS = 420_000;

/** A fleet that has not come to rest after this time is in a loop. */
const RESTLESS_MS_MAX = 3_600_000;

/** A fleet that writes so often is in a loop too, and so is one in which so much happens. */
const WRITES_MAX = 2_000;
const EVENTS_MAX = 1_000_000;

/** The aborts of verdicts are looked at this often. */
const LOOK_MS = 1_000;

/** @param isTold whether the timeline is kept */
export function simulate(scenario: Scenario, isTold = false): Run {
  return new Simulation(scenario, isTold).run();
}

export class Simulation implements World {
  readonly scenario: Scenario;
  readonly scheduler = new Scheduler();
  readonly engine: Engine;
  readonly timeline: Timeline;
  readonly abilities: Scenario["abilities"];
  readonly application = "website";
  readonly hasVisitors: boolean;
  readonly delayMs: number;
  readonly unhealthyMs: number;
  readonly machines: readonly Machine[];
  readonly people: ReadonlyMap<string, Person>;
  readonly receiver = new Receiver();
  readonly answers = new Map<string, boolean>();
  readonly knowledge: AllKnowledge;
  /** Undefined in a run without visitors. */
  readonly visitors: Visitors | undefined;
  readonly noticeLaws = new NoticeLaws();
  readonly laws: DaemonLaws;
  readonly #history: History;
  readonly #overrideLaws: OverrideLaws;
  readonly #verdicts = new Map<string, Set<string>>();
  /** The reasons of the judge. */
  readonly #judged = new Set<string>();
  readonly #seen: Record<string, number> = {};
  #broken: Broken | undefined;

  constructor(scenario: Scenario, isTold: boolean) {
    this.scenario = scenario;
    this.abilities = scenario.abilities;
    this.delayMs = scenario.delayMs;
    this.hasVisitors = scenario.site !== undefined;
    this.unhealthyMs = scenario.unhealthyMs;
    this.timeline = new Timeline(this.scheduler, isTold);
    this.engine = new Engine(this.scheduler, scenario.engine);
    this.knowledge = new AllKnowledge(this.engine);
    this.#overrideLaws = new OverrideLaws(this.engine, this.delayMs);
    this.#history = {
      ...{ engine: this.engine, unhealthyMs: this.unhealthyMs, verdicts: this.#verdicts },
      hasPassed: (check) => this.answers.get(check) ?? false,
      knowledge: this.knowledge.of,
      hasEvidence: this.abilities.hasEvidence || !this.hasVisitors,
      visitorsSince: (ms) => this.visitors?.since(ms) ?? 0,
    };
    this.engine.onCommit = (commit) => this.#committed(commit);
    this.engine.onFailover = () => this.timeline.tell("store", "has gone back to an older state");
    this.laws = this.#daemonLaws();
    this.machines = scenario.machines.map((options) => new Machine(options, this));
    const typed = (each: Typed) => this.#typed(each);
    this.visitors = scenario.site && new Visitors(this, scenario.site);
    this.people = new Map(scenario.people.map((each) => [each.name, new Person(each, this, typed)]));
  }

  run(): Run {
    for (const version of ["canary", "blue"]) {
      this.engine.put(this.application, version, { rollout: 0 }, { kind: "world", name: "begin" });
    }
    const happenings = new Happenings(this);
    for (const machine of this.machines) this.scheduler.after(0, () => machine.start());
    for (const event of this.scenario.events) {
      this.scheduler.after(event.atMs, () => {
        this.count(event.kind);
        happenings.happen(event);
      });
    }
    this.scheduler.after(this.scenario.quietAtMs, () => this.#calm());
    this.visitors?.come();
    this.#lookOn();
    this.#run();
    return {
      ...{ broken: this.#broken, timeline: this.timeline.lines, events: this.scheduler.events },
      ...{ passedMs: this.scheduler.nowMs, seen: this.#seen },
    };
  }

  count(what: string, by = 1): void {
    this.#seen[what] = (this.#seen[what] ?? 0) + by;
  }

  /** A machine's controller has a verdict on a release that it leads. */
  verdict(machine: Machine, reason: string): void {
    const controller = machine.life?.controller;
    const led = controller?.view().releases.find(({ release }) => release.state === "running");
    if (controller === undefined || led === undefined || machine.life?.process.isStopped) return;
    const { application, version, release } = led;
    const reasons = this.#verdicts.get(release.key) ?? new Set();
    this.#verdicts.set(release.key, reasons.add(reason));
    this.timeline.tell(machine.name, `has the verdict "${reason}" on ${version}`);
    this.count("verdict reached");
    controller.verdict(application, version, release.key, reason);
    this.found(this.#overrideLaws.reached(machine, application, version, release.key));
  }

  /** A law is broken: the run ends. */
  found(fault: Fault): void {
    if (fault === undefined || this.#broken !== undefined) return;
    const [law, text] = fault;
    this.#broken = { law, text, atMs: this.scheduler.nowMs };
    this.timeline.tell("LAW", `${law}: ${text}`);
    this.scheduler.stop();
  }

  #run(): void {
    this.scheduler.runUntil(this.scenario.quietAtMs);
    const untilMs = this.scenario.quietAtMs + RESTLESS_MS_MAX;
    for (let restAtMs = this.#restAtMs(); this.#broken === undefined; restAtMs = this.#restAtMs()) {
      if (restAtMs <= this.scheduler.nowMs) break;
      if (restAtMs > untilMs) this.found(["15", "the fleet does not come to rest"]);
      this.scheduler.runUntil(restAtMs);
    }
    if (this.#broken !== undefined) return;
    this.found(restFault(this));
    this.found(coinsFault(this));
    this.found(this.noticeLaws.idFault(this.receiver.notices));
    const ids = this.receiver.notices.map(({ id }) => id);
    this.count("notices", ids.length);
    this.count("notices twice", ids.length - new Set(ids).size);
  }

  /** When the fleet is at rest if nothing changes until then. */
  #restAtMs(): number {
    const { commits } = this.engine;
    const lastMs = Math.max(this.scenario.quietAtMs, commits.at(-1)?.atMs ?? 0);
    const waits = [...this.engine.snapshot(this.application)].map(([version, record]) => {
      const { found, plan } = nowOfRecord(version, record);
      if (found.kind !== "release" || found.release.state !== "running") return 0;
      const wait = plan?.steps[found.release.step - 1]?.wait;
      const okMs = wait?.ok === undefined ? 0 : (wait.ok.boundMs ?? (this.hasVisitors ? OK_MS : 0));
      return Math.max(wait?.minMs ?? 0, okMs);
    });
    return lastMs + REST_MS + Math.max(0, ...waits);
  }

  /** From now on nothing goes wrong. Machines that are down come back. */
  #calm(): void {
    this.timeline.tell("world", "is calm from now on");
    this.receiver.health = "well";
    for (const machine of this.machines) {
      machine.weather = FAIR;
      machine.disk.isBroken = false;
      machine.start();
    }
    for (const person of this.people.values()) person.weather = FAIR;
  }

  #lookOn(): void {
    this.found(this.#overrideLaws.look());
    this.found(caughtFault(this));
    if (this.engine.commits.length > WRITES_MAX) this.found(["15", `more than ${WRITES_MAX} writes`]);
    if (this.scheduler.events > EVENTS_MAX) this.found(["15", `more than ${EVENTS_MAX} events`]);
    this.scheduler.after(LOOK_MS, () => this.#lookOn());
  }

  #daemonLaws(): DaemonLaws {
    const { knowledge } = this;
    return {
      saw: (process: Process, application: string, { snapshot }: Seen) =>
        knowledge.of(process).saw(application, snapshot, knowledge.sight(process)),
      wrote: (process: Process, application: string, version: string, record: StoreRecord) =>
        knowledge.of(process).wrote(application, version, record, knowledge.sight(process)),
      read: (machine: Machine, { application, snapshot }: Reading) =>
        this.found(this.#overrideLaws.read(machine, application, snapshot)),
      began: (machine, process, before) => {
        if (before === undefined) return;
        knowledge.of(process).inherit(knowledge.of(before), before.diedAtMs, machine.disk.wasBroken);
      },
      died: (machine) => this.#overrideLaws.died(machine),
      lostDisk: (machine) => this.#overrideLaws.lostDisk(machine),
      overrode: (machine, override) => this.#overrode(machine, override),
      logged: (machine, level, message, fields) => this.#logged(machine, level, message, fields),
    };
  }

  /** A verdict of the judge comes without a word of the scenario. */
  #overrode(machine: Machine, { application, version, key, reason }: Override): void {
    const reasons = this.#verdicts.get(key) ?? new Set();
    if (reasons.has(reason)) return;
    const isFirst = ![...reasons].some((each) => this.#judged.has(each));
    this.#judged.add(reason);
    this.#verdicts.set(key, reasons.add(reason));
    this.timeline.tell(machine.name, `judges that ${version} does harm: ${reason}`);
    if (isFirst) this.count(`${this.scenario.site?.isBad ? "bad" : "sound"} canary judged harmful`);
    if (!this.hasVisitors) this.found(["13", `${machine.name} judges without visitors: ${reason}`]);
    this.scheduler.after(0, () => this.found(this.#overrideLaws.reached(machine, application, version, key)));
  }

  #committed(commit: Commit): void {
    const { version, before, after, by, application } = commit;
    if (application === FREEZE.application) return;
    const [was, now] = [nowOfRecord(version, before), nowOfRecord(version, after)];
    this.count(`${by.kind} ${now.found.kind === "release" ? now.found.release.state : now.found.kind}`);
    if (this.timeline.isKept) {
      this.timeline.tell(by.name, `WRITES ${version}: ${short(was, before)} → ${short(now, after)}`);
    }
    this.noticeLaws.committed(commit);
    if (by.kind === "world") this.#overrideLaws.wentBack();
    if (by.kind === "controller" && now.rollout > was.rollout && isByOk(was)) this.count("ok given");
    if (by.kind === "controller") this.found(controllerFault(commit, was, now, this.#history));
    const typed = (by.call as Call | undefined)?.typed;
    if (now.found.kind === "release") typed?.txs.add(now.found.release.tx);
    if (typed !== undefined && this.hasVisitors && keyOf(now) !== keyOf(was)) {
      this.count(`${this.scenario.site?.isBad ? "bad" : "sound"} canary`);
    }
    if (typed !== undefined) this.found(personFault(typed, was, now, before?.revision ?? null));
    if (by.kind === "controller" || by.kind === "person") this.found(seqFault(commit));
  }

  #typed(typed: Typed): void {
    this.count(`${typed.words.verb} ${typed.outcome.split(":")[0]}`);
    this.found(typedFault(typed));
  }

  #logged(machine: Machine, level: string, message: string, fields: Fields): void {
    if (this.timeline.isKept) {
      const { application, store, ...rest } = fields;
      const shown = Object.entries(rest).flatMap(([name, value]) =>
        value === undefined ? [] : [`${name}=${value}`],
      );
      this.timeline.tell(machine.name, `log ${level}: ${message} ${shown.join(" ")}`);
    }
    const text = `${message} ${String(fields["error"] ?? "")}`;
    if (BUGS.test(text)) this.found(["bug", `${machine.name} logs: ${text}`]);
  }
}

/** Words of errors that only a bug makes. */
const BUGS =
  /a part of the daemon failed|is not a function|undefined is not|null is not|Cannot |not iterable/;

/** Each write of a release raises `seq`. */
function seqFault({ version, before, after, by }: Commit): Fault {
  const [was, now] = [nowOfRecord(version, before).found, nowOfRecord(version, after).found];
  if (was.kind !== "release" || now.kind !== "release" || was.release.tx === now.release.tx) return undefined;
  return now.release.seq <= was.release.seq
    ? ["14 seq", `${by.name} wrote seq ${now.release.seq} of ${version} over seq ${was.release.seq}`]
    : undefined;
}

type Now = ReturnType<typeof nowOfRecord>;

/** Whether the present step waits for the judge. */
function isByOk({ found, plan }: Now): boolean {
  return found.kind === "release" && plan?.steps[found.release.step - 1]?.wait.ok !== undefined;
}

function keyOf({ found }: Now): string | undefined {
  return found.kind === "release" ? found.release.key : undefined;
}

/** `3f2a running 2 5% seq 7`. */
function short({ found, rollout, isMalformed }: Now, record: unknown): string {
  if (record === undefined) return "nothing";
  const share = isMalformed ? "malformed" : `${Number((rollout * 100).toFixed(4))}%`;
  if (found.kind !== "release") return `${found.kind === "none" ? "no release" : found.code} ${share}`;
  const { state, step, seq, reason, key } = found.release;
  return `${key.slice(0, 4)} ${state} ${step} ${share} seq ${seq}${reason === undefined ? "" : ` (${reason})`}`;
}
