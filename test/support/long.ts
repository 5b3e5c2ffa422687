/**
 * A mark: `import "./long.ts"`. A test file that imports it computes for half a minute or more, so `npm test`
 * starts it first. A file that needs many programs is taken for long without the mark.
 */

export {};
