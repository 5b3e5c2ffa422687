/** A release whose arc begins at 0, so that a test can name assignments of the canary. */
export const OFFSET_ZERO = { offset: 0 } as const;
