/** All cases of the conformance suite, in the order of the table. */

import type { Case } from "./case.ts";
import { HOLD } from "./hold.ts";
import { JUDGED } from "./judged.ts";
import { OUTAGES } from "./outages.ts";
import { PLACING } from "./placing.ts";
import { VISITORS } from "./visitors.ts";

export const CASES: readonly Case[] = [...PLACING, ...VISITORS, ...HOLD, ...JUDGED, ...OUTAGES];
