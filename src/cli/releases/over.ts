/** The flag of the verbs that can lower slowly. */

import { type Option, Problem } from "../../config/option.ts";
import { parseLongDuration, single } from "../../config/values.ts";
import { WAIT_MS_MAX } from "../../releases/plan.ts";

const OVER_MS_MIN = 1_000;

export const over: Option<number> = single<number>(
  {
    name: "over",
    placeholder: "DURATION",
    summary: "lower a promoted release evenly over this time, so that a cold master warms up; 0 is at once",
    defaultText: "0",
    flagOnly: true,
  },
  (text) => {
    const ms = parseLongDuration(text);
    if (typeof ms !== "number") return ms;
    return ms === 0 || (ms >= OVER_MS_MIN && ms <= WAIT_MS_MAX)
      ? ms
      : new Problem("write 0, or a duration from 1s to 90d");
  },
);
