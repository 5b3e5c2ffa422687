/** The time that a clock on the wall shows in a zone, from the IANA database within the runtime. Pure. */

const FIELDS = { year: "numeric", month: "2-digit", day: "2-digit" } as const;
const TIMES = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;

/**
 * A function from a moment in milliseconds since 1970 to the time on the wall, in the same form: if it is
 * read as UTC, it has the day and the hour of the zone. Making one takes much longer than asking it. The
 * first one of a process takes about 12 ms, because the runtime loads its zones. So a daemon that serves
 * visitors makes one before.
 *
 * @throws RangeError if the runtime does not know the zone
 */
export function wallClock(zone: string): (epochMs: number) => number {
  const format = new Intl.DateTimeFormat("en-u-ca-iso8601", {
    timeZone: zone,
    hourCycle: "h23",
    ...FIELDS,
    ...TIMES,
  });
  return (epochMs) => {
    const parts = new Map(format.formatToParts(epochMs).map(({ type, value }) => [type, Number(value)]));
    const field = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? Number.NaN;
    const second = Date.UTC(
      field("year"),
      field("month") - 1,
      field("day"),
      ...([field("hour"), field("minute"), field("second")] as const),
    );
    return second + (((epochMs % 1000) + 1000) % 1000);
  };
}
