/** The code that draws charts, as a file of its own (`plotter.ts`). */

export { default } from "uplot";
