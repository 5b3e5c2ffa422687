/**
 * A mark: `import "./alone.ts"`. A test file that imports it, itself or through a helper, holds
 * something to milliseconds. `npm test` runs such files after all others, one at a time, so that no other
 * test takes their processor.
 */

export {};
