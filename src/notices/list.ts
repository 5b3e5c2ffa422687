/**
 * The forms of notices. A new form is a file beside this one, and a line here. The first form that can read
 * an address has it.
 */

import type { NoticeForm } from "./form.ts";
import { slack } from "./slack.ts";
import { webhook } from "./webhook.ts";

export const FORMS: readonly NoticeForm[] = [slack, webhook];
