/**
 * Load through the client that applications use, in the runtime that runs this file:
 *
 *     client-load.js SOCKET SECONDS CONCURRENCY    →    questions a second, in JSON; fails if an answer is wrong
 *
 * It is JavaScript, on the compiled client, so Node can run it.
 */

import { Client } from "../dist/lib/client/client.js";

const ASSIGNMENT = "0.123456789";
const WARM_UP_SECONDS = 0.2;
/** Long enough that no question is given up; a longer limit costs nothing. */
const TIMEOUT_MS = 5000;

const [socket, seconds, concurrency] = process.argv.slice(2);
const client = new Client({ address: `unix:${socket}`, timeoutMs: TIMEOUT_MS });

await load(WARM_UP_SECONDS);
console.log(JSON.stringify({ questionsPerSecond: await load(Number(seconds)) }));

async function load(forSeconds) {
  const beganMs = performance.now();
  const untilMs = beganMs + forSeconds * 1000;
  let count = 0;
  const visitor = async () => {
    while (performance.now() < untilMs) {
      const { assignment, location } = await client.decide({ assignment: ASSIGNMENT });
      if (assignment !== ASSIGNMENT || location !== "canary")
        throw new Error(`wrong: ${assignment} ${location}`);
      count++;
    }
  };
  await Promise.all(Array.from({ length: Number(concurrency) }, visitor));
  return (count * 1000) / (performance.now() - beganMs);
}
