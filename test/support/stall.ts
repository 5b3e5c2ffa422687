/** How long the event loop stands still: what a visitor would wait who came at the worst moment. */

/** The longest time, in milliseconds, between two turns of the event loop while `work` goes on. */
export async function longestStall(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let isOver = false;
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  await work();
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  isOver = true;
  look();
  return longest;
}
