/** The colours of the page for drawings, which do not follow the style by themselves. */

import { signal } from "@preact/signals";

/** Counts the changes between light, dark and print. */
export const theme = signal(0);

/** From now on `theme` counts. */
export function followTheme(): void {
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", () => {
      theme.value++;
    });
  }
}

/** The present value of a colour of the style, such as `canary`. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

let still: MediaQueryList | undefined;

/** Whether the reader asked for a page that does not move. */
export function isStill(): boolean {
  still ??= matchMedia("(prefers-reduced-motion: reduce)");
  return still.matches;
}
