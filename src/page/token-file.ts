/** The file of the token with which operators log in. */

import { readFileSync, statSync } from "node:fs";
import { Problem } from "../config/option.ts";
import { errorMessage } from "../text/error-message.ts";

/** A shorter token could be guessed. */
const TOKEN_LENGTH_MIN = 16;
const TOKEN_LENGTH_MAX = 512;

const READABLE_BY_OTHERS = 0o004;

/** The token, without spaces around it. */
export function readToken(path: string): string | Problem {
  try {
    const { mode } = statSync(path);
    if ((mode & READABLE_BY_OTHERS) !== 0) {
      return new Problem(`each user of this machine can read ${path}; run chmod o-r ${path}`);
    }
    const token = readFileSync(path, "utf8").trim();
    if (token.length >= TOKEN_LENGTH_MIN && token.length <= TOKEN_LENGTH_MAX && !/\s/.test(token))
      return token;
    return new Problem(
      `${path} must have one word of ${TOKEN_LENGTH_MIN} characters or more; make it with openssl rand -hex 24`,
    );
  } catch (error) {
    return new Problem(`${path} cannot be read: ${errorMessage(error)}`);
  }
}
