/** The page while it has no news to show. */

import { Answer } from "./actions.tsx";
import { LogIn } from "./login.tsx";
import { canWrite, operator, refusal } from "./session.ts";
import { ageMs, asked, isRefused } from "./stream.ts";

/** Before the first state, and while the daemon does not answer at all. */
export function Waiting() {
  if (isRefused.value) return <Refused />;
  return (
    <main>
      <p role="status">
        {ageMs.value < 2_000
          ? "Asking the daemon …"
          : "The daemon does not answer. Visitors of a proxy without its daemon get master."}
      </p>
    </main>
  );
}

/** The daemon answers, and does not show its page here, or has too many open pages. */
export function Refused() {
  return (
    <main>
      <h1>maxwells-daemon</h1>
      <p role="status">
        {refusal.value === null
          ? "This daemon has too many open pages."
          : `The page is closed: ${refusal.value}`}
      </p>
      {canWrite.value && operator.value === null && <LogIn aim="to see the page" />}
      <Answer />
    </main>
  );
}

export function Unknown() {
  return <p role="status">This daemon does not serve the application “{asked.value}”.</p>;
}
