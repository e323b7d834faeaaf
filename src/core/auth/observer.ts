import type { RotationDecision } from "./rotation.ts";

/** What happened to the tokens of a session; times are epoch milliseconds. */
export type SessionEvent = { sessionId: string; at: number } & (
  | {
      kind: "refreshed";
      decision: RotationDecision["kind"];
      /** Of the token that was presented, and of the newest one after it. */
      shownGeneration: number;
      newestGeneration: number;
      /** Life of the access tokens of this session, in seconds. */
      accessSeconds: number;
    }
  | { kind: "used"; generation: number }
);

/** Is told what the rule decides, and of each first use: for the lab. Nothing depends on what it does. */
export type SessionObserver = (event: SessionEvent) => void;
