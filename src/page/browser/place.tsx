/** Asks the daemon where one visitor is: by its assignment, or by its key. */

import { effect, signal } from "@preact/signals";
import type { ApplicationNews } from "../news.ts";
import type { PlaceNews } from "../place.ts";
import { news as latest } from "./stream.ts";

type Placed =
  | { readonly kind: "found"; readonly place: PlaceNews; readonly asked: string }
  | { readonly kind: "refused"; readonly text: string };

export const placed = signal<Placed | undefined>(undefined);

type By = "assignment" | "key";

/** The question that is shown, so that it can be asked again if the arcs change. */
const question = signal<
  { readonly application: string; readonly by: By; readonly value: string } | undefined
>(undefined);

const arcs = signal("");

effect(() => {
  const application = latest.value?.application;
  if (application) arcs.value = JSON.stringify([application.arcs, application.isFresh]);
});

effect(() => {
  // A new answer for each change of the arcs.
  if (arcs.value !== "" && question.value !== undefined) void ask(question.value);
});

async function ask({ application, by, value }: NonNullable<typeof question.value>): Promise<void> {
  const query = new URLSearchParams({ application, [by]: value });
  try {
    const reply = await fetch(`/api/place?${query}`);
    placed.value = reply.ok
      ? { kind: "found", place: (await reply.json()) as PlaceNews, asked: value }
      : { kind: "refused", text: (await reply.text()).trim() };
  } catch {
    placed.value = { kind: "refused", text: "the daemon does not answer" };
  }
}

export function PlaceForm({ news: { name } }: { readonly news: ApplicationNews }) {
  return (
    <form
      class="place"
      aria-label="Find a visitor"
      onSubmit={(event) => {
        event.preventDefault();
        const fields = new FormData(event.currentTarget);
        const by = fields.get("by") === "key" ? "key" : "assignment";
        question.value = { application: name, by, value: String(fields.get("value")).trim() };
      }}
    >
      <label>
        <span class="for-readers">Find a visitor by</span>
        <select name="by">
          <option value="assignment">assignment</option>
          <option value="key">key</option>
        </select>
      </label>
      <label>
        <span class="for-readers">Its assignment or key</span>
        <input name="value" required maxLength={256} autocomplete="off" placeholder="0.42" />
      </label>
      <button type="submit">Find</button>
      <Answer />
    </form>
  );
}

function Answer() {
  const { value } = placed;
  return (
    <p role="status" class="placed">
      {value?.kind === "refused" && value.text}
      {value?.kind === "found" && (
        <>
          {value.asked} → <b>{value.place.location}</b>, at {value.place.assignment}: {value.place.sentence}
          {value.place.isInMaintenance && ". Maintenance is on, so the proxy shows its maintenance page"}
        </>
      )}
    </p>
  );
}
