/** The generic form: JSON with the signature of standard webhooks. */

import { Problem } from "../config/option.ts";
import type { NoticeForm } from "./form.ts";
import type { NoticeMessage } from "./notice.ts";
import { signedHeaders } from "./signature.ts";

export const webhook: NoticeForm = {
  name: "webhook",
  usage: "https://HOST/PATH",
  isSigned: true,

  read(text) {
    if (!/^https?:/i.test(text)) return undefined;
    const url = URL.parse(text);
    if (url === null || url.hostname === "" || url.hash !== "") {
      return new Problem("write a whole web address, such as https://hooks.example.com/releases");
    }
    if (url.username !== "" || url.password !== "") {
      return new Problem("leave user and password out; receivers know a notice by its signature");
    }
    return url;
  },

  request(message, nowMs, keys) {
    const body = JSON.stringify(payloadOf(message));
    const headers = { "content-type": "application/json", ...signedHeaders(message.id, nowMs, body, keys) };
    return { headers, body };
  },

  remedyOf(status) {
    if (status === 401 || status === 403 || status === 400) {
      return "compare the secret of -notify-secret with the receiver's, and the clocks of both machines";
    }
    if (status >= 300 && status < 400) return "name in -notify the address that it leads to";
    if (status === 404 || status === 405 || status === 410) return "correct the address in -notify";
    return "look at the receiver's log";
  },
};

/** The body, as docs/notices.md has it. Each key is always there; a value that is not known is null. */
function payloadOf({ type, atMs, ...message }: NoticeMessage): object {
  const { id, severity, sentence, application, version, release, key, of, step, steps, rollout, by, why } =
    message;
  return {
    ...{ type, timestamp: new Date(atMs).toISOString() },
    data: {
      ...{ id, severity, sentence, application, version, release, key, of, step, steps },
      ...{ rollout, by, why },
    },
  };
}
