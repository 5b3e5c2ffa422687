/** All rows of the reporting suite. */

import type { Row } from "./row.ts";
import { ANSWERS } from "./rows/answers.ts";
import { FAILURES } from "./rows/failures.ts";
import { QUIET } from "./rows/quiet.ts";
import { SILENCE } from "./rows/silence.ts";

export const ROWS: readonly Row[] = [...ANSWERS, ...FAILURES, ...SILENCE, ...QUIET];
