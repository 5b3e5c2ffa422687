/**
 * Visitors by their cells, each with a time and a tag: the store of all evidence. It is the one thing whose
 * memory grows with traffic, so it is made of typed arrays, and has a capacity. Pure. `put` and `hear`
 * allocate nothing, but when the arrays double. They begin with none, and ask for memory before they grow.
 *
 * A visitor that a table has stays, and merging keeps its earliest time. So the order of all that comes does
 * not matter, nor how often it comes.
 *
 * Two rules keep the bound. Both look at the mixed cell only, so they are blind to versions and outcomes:
 * - Thinned forward: the fuller the table is, the fewer new visitors of this daemon it takes. A visitor that
 * it does not take is as if it was never reported. Nothing is removed.
 * - Cut: if the visitors of other daemons do not fit, the half with the greater mixed cells goes, and none of
 * these comes back. That happens only if daemons filled their tables without reading each other's.
 */

import { mix32 } from "../judge/cell.ts";
import { ENTRIES_MAX, EntryIndex, INDEX_BYTES, NONE } from "./entry-index.ts";
import type { Memory } from "./memory.ts";
import { ENTRIES_MIN, HALVINGS_MAX, TableRoom } from "./table-room.ts";

/** The cells of one table, if memory is not short. */
export const TABLE_CELLS_MAX = 65_536;

/** The bytes of an entry: cell, time, tag, one bit, and its place in the index. */
const ENTRY_BYTES = 12 + 1 / 8 + INDEX_BYTES;

const NO_WORDS = new Uint32Array(0);
const NO_BITS = new Uint8Array(0);

/**
 * The rule for two tags of one cell. `of-earliest`: the tag belongs to the time. `or`: the bits of all tags
 * are kept.
 */
export type TagRule = "of-earliest" | "or";

/** The result of `put` or `hear`. After "changed" each entry may have another number. */
export type TableChange = "none" | "new" | "changed";

export interface CellTableOptions {
  /** At most `TABLE_CELLS_MAX`. */
  readonly capacity: number;
  /** 32 bits that a visitor cannot know. They keep chosen assignments from meeting in one slot. */
  readonly seed: number;
  readonly tags: TagRule;
  /** The table is refused nothing without it. */
  readonly memory?: Memory | undefined;
  /** The bytes of each entry that its owner keeps beside the table; 0 by default. */
  readonly besideBytes?: number;
}

export class CellTable {
  readonly #room: TableRoom;
  readonly #joinsTags: boolean;
  readonly #index: EntryIndex;
  #cells = NO_WORDS;
  #times = NO_WORDS;
  #tags = NO_WORDS;
  /** One bit for each entry. */
  #unsent = NO_BITS;
  #size = 0;
  #unsentCount = 0;
  #cuts = 0;
  #last = NONE;

  constructor({ capacity, seed, tags, memory, besideBytes = 0 }: CellTableOptions) {
    this.#room = new TableRoom({ capacity, memory, entryBytes: ENTRY_BYTES + besideBytes });
    this.#index = new EntryIndex((entry) => this.cellAt(entry), seed);
    this.#joinsTags = tags === "or";
  }

  get size(): number {
    return this.#size;
  }

  /** How often the table has been thinned: of new cells it takes one in 2 to this power. */
  get halvings(): number {
    return Math.max(this.#room.halvings, this.#cuts);
  }

  /** How often the table has been cut: it has one in 2 to this power of all cells that it heard of. */
  get cuts(): number {
    return this.#cuts;
  }

  /** The entry that the last `put` or `hear` was about; `NONE` if it took nothing. */
  get last(): number {
    return this.#last;
  }

  /** The number of entries that the other daemons may not know. */
  get unsent(): number {
    return this.#unsentCount;
  }

  /** The bytes of all arrays. */
  get bytes(): number {
    return 3 * this.#cells.byteLength + this.#unsent.byteLength + this.#index.bytes;
  }

  cellAt(entry: number): number {
    return this.#cells[entry] ?? 0;
  }

  timeAt(entry: number): number {
    return this.#times[entry] ?? 0;
  }

  tagAt(entry: number): number {
    return this.#tags[entry] ?? 0;
  }

  isUnsent(entry: number): boolean {
    return ((this.#unsent[entry >> 3] ?? 0) & (1 << (entry & 7))) !== 0;
  }

  mark(entry: number, isUnsent: boolean): void {
    if (entry < 0 || entry >= this.#size || this.isUnsent(entry) === isUnsent) return;
    this.#unsent[entry >> 3] = (this.#unsent[entry >> 3] ?? 0) ^ (1 << (entry & 7));
    this.#unsentCount += isUnsent ? 1 : -1;
  }

  /** The entry of a cell; `NONE` if the table does not have it. */
  find(cell: number): number {
    return this.#index.find(cell);
  }

  /** Takes what this daemon saw. A new cell may be thinned out. */
  put(cell: number, time: number, tag: number): TableChange {
    const entry = this.find(cell);
    let change: TableChange = "none";
    if (entry !== NONE) change = this.#join(entry, time, tag);
    else if (this.#room.hasPlace(this.#size) && mix32(cell) < 2 ** (32 - this.halvings)) {
      this.#insert(cell, time, tag);
      change = "new";
    } else this.#last = NONE;
    if (change !== "none") this.mark(this.#last, true);
    return change;
  }

  /** Takes what another daemon tells. */
  hear(cell: number, time: number, tag: number): TableChange {
    const entry = this.find(cell);
    if (entry !== NONE) return this.#join(entry, time, tag);
    this.#last = NONE;
    if (mix32(cell) >= 2 ** (32 - this.#cuts)) return "none";
    if (this.#room.hasPlace(this.#size)) {
      this.#insert(cell, time, tag);
      return "new";
    }
    if (this.#room.isNone) return "none";
    this.#cutFor(cell);
    // The other entries have other numbers now.
    if (mix32(cell) < 2 ** (32 - this.#cuts)) this.#insert(cell, time, tag);
    return "changed";
  }

  /** Cuts the table as often as that of another daemon, so that both have the same part of all cells. */
  cutTo(cuts: number): TableChange {
    if (cuts <= this.#cuts) return "none";
    this.#cuts = Math.min(cuts, HALVINGS_MAX);
    this.#drop(2 ** (32 - this.#cuts));
    this.#fillIndex();
    this.#last = NONE;
    return "changed";
  }

  #join(entry: number, time: number, tag: number): TableChange {
    this.#last = entry;
    const before = this.timeAt(entry);
    const tagBefore = this.tagAt(entry);
    const isEarlier = time < before || (time === before && !this.#joinsTags && tag < tagBefore);
    if (this.#joinsTags) {
      if (!isEarlier && (tagBefore | tag) === tagBefore) return "none";
      this.#tags[entry] = tagBefore | tag;
      this.#times[entry] = Math.min(before, time);
      return "changed";
    }
    if (!isEarlier) return "none";
    this.#times[entry] = time;
    this.#tags[entry] = tag;
    return "changed";
  }

  #insert(cell: number, time: number, tag: number): void {
    if (this.#size === this.#cells.length) this.#grow();
    const entry = this.#size++;
    this.#cells[entry] = cell;
    this.#times[entry] = time;
    this.#tags[entry] = tag;
    this.#index.set(cell, entry);
    this.#last = entry;
    this.#room.grew(this.#size);
  }

  #grow(): void {
    const length = Math.min(Math.max(ENTRIES_MIN, 2 * this.#cells.length), ENTRIES_MAX);
    this.#cells = longer(this.#cells, length);
    this.#times = longer(this.#times, length);
    this.#tags = longer(this.#tags, length);
    const unsent = new Uint8Array(Math.ceil(length / 8));
    unsent.set(this.#unsent);
    this.#unsent = unsent;
  }

  #fillIndex(): void {
    this.#index.clear();
    for (let entry = 0; entry < this.#size; entry++) this.#index.set(this.cellAt(entry), entry);
  }

  /** Cuts until there is room, or until `cell` is cut itself. */
  #cutFor(cell: number): void {
    while (
      this.#room.isFull(this.#size) &&
      this.#cuts < HALVINGS_MAX &&
      mix32(cell) < 2 ** (32 - this.#cuts)
    ) {
      this.#cuts++;
      this.#drop(2 ** (32 - this.#cuts));
    }
    this.#fillIndex();
  }

  /** Drops the entries with a mixed cell of `limit` or above. */
  #drop(limit: number): void {
    let kept = 0;
    for (let entry = 0; entry < this.#size; entry++) {
      const isUnsent = this.isUnsent(entry);
      this.mark(entry, false);
      if (mix32(this.cellAt(entry)) >= limit) continue;
      this.#cells[kept] = this.cellAt(entry);
      this.#times[kept] = this.timeAt(entry);
      this.#tags[kept] = this.tagAt(entry);
      this.mark(kept++, isUnsent);
    }
    this.#size = kept;
  }
}

function longer(before: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const after = new Uint32Array(length);
  after.set(before);
  return after;
}
