/** The present, in epoch milliseconds. */
export type Clock = () => number;
