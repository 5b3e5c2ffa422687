/** Lets the events of a scenario happen. */

import type { Machine } from "./daemon.ts";
import type { Author } from "./engine.ts";
import { FAIR } from "./network.ts";
import type { Hand, Happening } from "./scenario.ts";
import type { Simulation } from "./simulation.ts";

export class Happenings {
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  happen(event: Happening): void {
    const { timeline, people, engine, answers, application, receiver, scheduler } = this.#simulation;
    switch (event.kind) {
      case "type":
        people.get(event.person)?.type(event.words, { application, version: event.version }, event.times);
        break;
      case "hand":
        this.#hand(event.version, event.what);
        break;
      case "weather":
        this.#weather(event);
        break;
      case "failover":
        engine.failOver(event.agoMs, event.clockByMs);
        break;
      case "restore":
        timeline.tell("store", "an older state is restored");
        engine.restore(event.agoMs, application);
        break;
      case "store clock":
        timeline.tell("store", `its clock jumps by ${event.byMs / 1_000}s`);
        engine.jump(event.byMs);
        break;
      case "check":
        timeline.tell("world", `check(${event.name}) ${event.isPassed ? "passes" : "does not pass"}`);
        answers.set(event.name, event.isPassed);
        break;
      case "receiver":
        timeline.tell("receiver", `is ${event.health} for ${event.forMs / 1_000}s`);
        receiver.health = event.health;
        scheduler.after(event.forMs, () => {
          receiver.health = "well";
        });
        break;
      default:
        this.#meets(this.#machine(event.machine), event);
    }
  }

  #meets(machine: Machine, event: Extract<Happening, { readonly machine: string }>): void {
    const { scheduler, timeline } = this.#simulation;
    switch (event.kind) {
      case "kill":
        machine.end(event);
        scheduler.after(event.forMs, () => machine.start());
        break;
      case "stop": {
        // Nothing goes wrong in the quiet time.
        const forMs = Math.min(event.forMs, this.#simulation.scenario.quietAtMs - scheduler.nowMs);
        const how = event.isSuspended ? "is suspended" : "is stopped";
        timeline.tell(machine.name, `${how} for ${forMs / 1_000}s`);
        machine.life?.process.stop(forMs, event.isSuspended);
        break;
      }
      case "wall clock":
        timeline.tell(machine.name, `its clock jumps by ${event.byMs / 1_000}s`);
        machine.jump(event.byMs);
        break;
      case "disk":
        timeline.tell(machine.name, `its disk is full for ${event.forMs / 1_000}s`);
        machine.breakDisk();
        scheduler.after(event.forMs, () => {
          machine.disk.isBroken = false;
        });
        break;
      case "verdict":
        this.#simulation.verdict(machine, event.reason);
    }
  }

  #weather({ names, weather, forMs }: Extract<Happening, { readonly kind: "weather" }>): void {
    const { machines, people, timeline, scheduler } = this.#simulation;
    const kinds = Object.entries(weather).flatMap(([name, value]) =>
      value === FAIR[name as keyof typeof FAIR] ? [] : [`${name} ${value}`],
    );
    timeline.tell("network", `${kinds.join(", ")} for ${names.join(" ")}, ${forMs / 1_000}s`);
    const met = [...machines, ...people.values()].filter(({ options }) => names.includes(options.name));
    for (const each of met) {
      each.weather = weather;
      scheduler.after(forMs, () => {
        if (each.weather === weather) each.weather = FAIR;
      });
    }
  }

  /** A person with the engine's own tools. */
  #hand(version: string, what: Hand): void {
    const { engine, application } = this.#simulation;
    const by: Author = { kind: "hand", name: "by hand" };
    const value = engine.record(application, version)?.value as Record<string, unknown> | undefined;
    const put = (fields: object) => engine.put(application, version, { rollout: 0, ...value, ...fields }, by);
    switch (what.kind) {
      case "remove":
        if (value !== undefined) engine.put(application, version, undefined, by);
        break;
      case "release":
        if (value !== undefined) put({ release: STRANGE[what.release] });
        break;
      default: {
        const { kind, ...fields } = what;
        put(fields);
      }
    }
  }

  #machine(name: string): Machine {
    return this.#simulation.machines.find((each) => each.name === name) as Machine;
  }
}

const STRANGE = { gone: undefined, strange: { format: 9, key: "ab" }, malformed: "oops" } as const;
