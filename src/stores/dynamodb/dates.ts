/**
 * The clock of DynamoDB: the header `Date` of its answers. Answers that refuse a request have it too. It has
 * whole seconds.
 */

import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** The header leaves out the parts of a second, so the middle of its second is the best guess. */
const HALF_SECOND_MS = 500;

export class Dates {
  /** The time of the last answer, by the input of its command. */
  readonly #dates = new WeakMap<object, number>();

  /** From now on, the dates of this client's answers are kept, as long as their commands are. */
  constructor(client: DynamoDBClient) {
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const { headers } = result.response as { readonly headers?: Readonly<Record<string, string>> };
        const secondMs = Date.parse(headers?.["date"] ?? "");
        if (!Number.isNaN(secondMs)) this.#dates.set(args.input, secondMs + HALF_SECOND_MS);
        return result;
      },
      { step: "deserialize", priority: "low", name: "noteDates" },
    );
  }

  /**
   * The time at which the server answered the command, also if it refused it: milliseconds since 1970, exact
   * to half a second. Undefined if no answer named a time.
   */
  of(command: { readonly input: object }): number | undefined {
    return this.#dates.get(command.input);
  }
}
