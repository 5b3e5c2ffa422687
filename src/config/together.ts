/** What the daemon's settings have to keep together. */

import type { CrossCheck } from "./option.ts";
import { application, delay, unhealthy } from "./options.ts";

export const CROSS_CHECKS: readonly CrossCheck[] = [
  {
    options: [application],
    check(settings) {
      const names = settings.get(application);
      const twice = names.filter((name, index) => names.indexOf(name) !== index);
      return twice.length === 0
        ? undefined
        : `${[...new Set(twice)].join(", ")} is named twice; name it once`;
    },
  },
  {
    options: [delay, unhealthy],
    check(settings) {
      return settings.get(unhealthy) > settings.get(delay)
        ? undefined
        : "-unhealthy must be longer than -delay, or rollouts fall to 0 between two reads; make it twice as long";
    },
  },
];
