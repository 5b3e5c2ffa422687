/**
 * A controller's part in the exchange of a release: it tells that it leads, or that the store refuses its
 * writes, within a few seconds of a new `seq` and every `PRESENCE_EVERY_MS`. It tells that it took visitors
 * back. It hears the same of the others: it
 * reads seldom, and for some seconds after a new `seq` quicker.
 */

import { Crew } from "../evidence/crew.ts";
import {
  isEvidence,
  isPresence,
  type News,
  type Overridden,
  type OwnState,
  type Presence as PresenceNews,
} from "../evidence/news.ts";
import type { Exchanges, Place } from "../exchange/exchanges.ts";
import type { Member } from "../exchange/member.ts";
import type { StoreClock } from "../exchange/store-clock.ts";
import type { EvidenceLog } from "../stores/evidence.ts";
import type { Impure } from "./impure.ts";
import type { Rights } from "./rights.ts";

/** A controller tells this often that it leads, while a release is under way. */
export const PRESENCE_EVERY_MS = 30_000;

/** The news of the others is read this often: for a while after a new `seq`, and otherwise. */
const READ_SOON_MS = 2_000;
const READ_EVERY_MS = 10_000;
const SOON_FOR_MS = 20_000;

/** Waits are shortened by up to this part, so that a hundred releases do not read and write at one moment. */
const JITTER = 0.25;

/** After a new `seq`, daemons tell that they lead within this time, so that they do not do so at once. */
const SPREAD_MS = 1_500;

/** Overrides that wait for the store. There is one for each process and release. */
const WAITING_MAX = 16;

export interface PresenceParts extends Pick<Impure, "clock" | "wallClock" | "random"> {
  readonly exchanges: Exchanges;
  /** The name of this controller. */
  readonly name: string;
  readonly storeClock: StoreClock;
  readonly rights: Rights;
  /** The state of this daemon, which it tells. */
  readonly ownState: () => OwnState;
  /** Called when all that is there was read: if it has news of the controllers, and else now and then. */
  readonly heard: () => void;
}

export class Presence implements Member {
  readonly #parts: PresenceParts;
  readonly #place: Place;
  readonly #crew = new Crew();
  readonly #waiting: Overridden[] = [];
  /** The kind of the last presence that the others have. */
  #told: PresenceNews["kind"] | undefined;
  #seq = 0;
  #beat: number;
  #presenceAtMs: number;
  #soonUntilMs: number;
  #jitter: number;
  /** Whether a controller told something since `heard` was called last. */
  #hasNews = false;
  #heardAtMs = Number.NEGATIVE_INFINITY;

  constructor(at: EvidenceLog, parts: PresenceParts) {
    const nowMs = parts.clock();
    this.#parts = parts;
    // A later process of the same name begins above this one, unless the clock went back; see `hear`.
    this.#beat = Math.max(0, Math.floor(parts.wallClock() / 1_000));
    this.#presenceAtMs = nowMs;
    this.#soonUntilMs = nowMs;
    this.#jitter = 1 - JITTER * parts.random();
    this.#place = parts.exchanges.join(at, this);
  }

  /** The daemon has seen this `seq`. */
  saw(seq: number): void {
    if (this.#seq === seq) return;
    const { clock, random } = this.#parts;
    const nowMs = clock();
    this.#seq = seq;
    this.#presenceAtMs = Math.min(this.#presenceAtMs, nowMs + SPREAD_MS * random());
    this.#soonUntilMs = nowMs + SOON_FOR_MS;
    this.#place.reconsider();
  }

  /** This daemon has learnt whether it may write. If it has told otherwise, it tells that at once. */
  rightsChanged(): void {
    if (this.#told !== undefined && this.#told !== this.#kind) this.#presenceAtMs = this.#parts.clock();
    this.#place.reconsider();
  }

  /** Tells the others, soon. */
  tell(news: Overridden): void {
    this.#waiting.push(news);
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
    this.#place.reconsider();
  }

  /** The daemons that took visitors back before the record said so. */
  get overrides(): readonly Overridden[] {
    return this.#crew.overrides();
  }

  /** The age of the evidence in milliseconds; undefined if it was never read to its end. */
  ageMs(nowMs: number): number | undefined {
    const { readAtMs } = this.#place;
    return readAtMs === Number.NEGATIVE_INFINITY ? undefined : nowMs - readAtMs;
  }

  /** The other controllers that lead the release now, by name. */
  leaders(nowMs: number): string[] {
    return this.#crew.leaders(nowMs).filter((name) => name !== this.#parts.name);
  }

  /** The other controllers whose writes the store refuses, by name. */
  unable(nowMs: number): string[] {
    return this.#crew.unable(nowMs).filter((name) => name !== this.#parts.name);
  }

  leave(): Promise<void> {
    return this.#place.leave();
  }

  tellsAtMs(): number {
    if (this.#waiting.length > 0) return Number.NEGATIVE_INFINITY;
    return this.#parts.rights.isUntried ? Number.POSITIVE_INFINITY : this.#presenceAtMs;
  }

  news(nowMs: number): readonly News[] {
    const { name, rights, ownState } = this.#parts;
    // Another part of the daemon may have news meanwhile.
    if (rights.isUntried || nowMs < this.#presenceAtMs) return [...this.#waiting];
    const atMs = this.#storeMs(nowMs);
    const told = { kind: this.#kind, name, beat: ++this.#beat, atMs, seq: this.#seq, ...ownState() };
    return [...this.#waiting, told];
  }

  taken(news: readonly News[]): void {
    const told = news.find(isPresence);
    if (told !== undefined) {
      this.#told = told.kind;
      this.#presenceAtMs = this.#nextPresenceMs();
    }
    const left = this.#waiting.filter((each) => !news.includes(each));
    this.#waiting.splice(0, this.#waiting.length, ...left);
  }

  listensAtMs(readAtMs: number): number {
    return readAtMs + this.#everyMs;
  }

  hear(all: readonly News[], areOld: boolean): void {
    const { clock, name } = this.#parts;
    const monotonicMs = clock();
    this.#hasNews ||= all.some((news) => !isEvidence(news));
    this.#crew.hear(all, { monotonicMs, nowMs: this.#storeMs(monotonicMs) }, areOld);
    // An earlier process of this name had a clock that was ahead, or another daemon has the same name.
    for (const news of all)
      if (isPresence(news) && news.name === name) this.#beat = Math.max(this.#beat, news.beat);
  }

  heardAll(): void {
    const { clock, random, heard } = this.#parts;
    const nowMs = clock();
    // The exchange reads for the judge too, and more often.
    if (!this.#hasNews && nowMs < this.#heardAtMs + this.#everyMs) return;
    this.#hasNews = false;
    this.#heardAtMs = nowMs;
    this.#jitter = 1 - JITTER * random();
    heard();
  }

  get #everyMs(): number {
    const isSoon = this.#parts.clock() < this.#soonUntilMs;
    return (isSoon ? READ_SOON_MS : READ_EVERY_MS) * this.#jitter;
  }

  get #kind(): PresenceNews["kind"] {
    return this.#parts.rights.canWrite ? "presence" : "unable";
  }

  #nextPresenceMs(): number {
    const { clock, random } = this.#parts;
    return clock() + PRESENCE_EVERY_MS * (1 - JITTER * random());
  }

  /** By the store's clock, or this machine's if the store has none. */
  #storeMs(monotonicMs: number): number {
    return this.#parts.storeClock.at(monotonicMs) ?? this.#parts.wallClock();
  }
}
