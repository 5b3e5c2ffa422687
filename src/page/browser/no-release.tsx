/** What an operator can do while there is no release. */

import type { ApplicationNews } from "../news.ts";

export function NoRelease({ news: { start } }: { readonly news: ApplicationNews }) {
  return (
    <section aria-label="No release">
      <h2>No release</h2>
      <p>
        A release gives a new version to a few visitors first, and to more of them step by step. It takes all
        of them back if the version harms them. Start one with the name of your version:
      </p>
      <code>{start}</code>
    </section>
  );
}
