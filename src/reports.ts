/**
 * Reports of proxies that decide by themselves under a lease. They are counted apart from the daemon's own
 * decisions, because every client of the line protocol may report, and the daemon cannot tell whether a
 * report is true.
 */

/** `decided`: the proxy decided. `failure`: it could not decide, and sent its visitor to master. */
export type ReportKind = "decided" | "failure";

export interface ReportedCount {
  readonly application: string;
  readonly location: string;
  readonly kind: ReportKind;
  /** Number of visitors that were reported. */
  count: number;
}

const NONE: readonly ReportedCount[] = [];

export class Reports {
  /** An application has counts for this many locations. New locations beyond that are counted as `other`. */
  static readonly LOCATIONS_MAX = 128;

  readonly #byApplication = new Map<string, Map<string, ReportedCount>>();

  /** @param application it must be served here, or memory would grow without bound */
  add(application: string, location: string, kind: ReportKind, count: number): void {
    let reports = this.#byApplication.get(application);
    if (reports === undefined) {
      reports = new Map();
      this.#byApplication.set(application, reports);
    }
    const name = `${kind} ${location}`;
    const isNew = !reports.has(name);
    if (isNew && reports.size >= Reports.LOCATIONS_MAX && location !== OTHER) {
      this.add(application, OTHER, kind, count);
      return;
    }
    const report = reports.get(name) ?? { application, location, kind, count: 0 };
    report.count += count;
    if (isNew) reports.set(name, report);
  }

  /** The reports of one application. */
  of(application: string): Iterable<ReportedCount> {
    return this.#byApplication.get(application)?.values() ?? NONE;
  }

  *values(): IterableIterator<ReportedCount> {
    for (const reports of this.#byApplication.values()) yield* reports.values();
  }
}

const OTHER = "other";
