/** The core's times and sizes. Constants live here and nowhere else; relations between them are checked at construction. */
import { invariant } from "./invariant.ts";

export interface RaftSettings {
  readonly heartbeatMs: number;
  /** A leader may answer reads for this long after the send time of a heartbeat that a quorum acknowledged. */
  readonly leaseMs: number;
  /** A follower refuses votes for this long after it heard from a leader; a leader unheard for this long resigns. */
  readonly voteRefusalMs: number;
  readonly electionMinMs: number;
  readonly electionMaxMs: number;
  /** Upper bounds of one append message; one entry always fits. */
  readonly appendEntriesMax: number;
  readonly appendBytesMax: number;
  /** Append messages with entries on the way to one follower; at the bound only heartbeats are sent. */
  readonly inflightMax: number;
}

/** HAZARDS section 4: everything but the heartbeat is at least ten times the loop-lag budget of 50 ms. */
export const defaultRaftSettings: RaftSettings = {
  heartbeatMs: 100,
  leaseMs: 700,
  voteRefusalMs: 800,
  electionMinMs: 800,
  electionMaxMs: 1_600,
  appendEntriesMax: 256,
  appendBytesMax: 1 << 20,
  inflightMax: 16,
};

export function checkRaftSettings(settings: RaftSettings): void {
  invariant(settings.leaseMs < settings.voteRefusalMs, "a lease must end before any follower may vote for another leader");
  invariant(settings.voteRefusalMs <= settings.electionMinMs, "a follower that times out must be free to vote for itself");
  invariant(settings.heartbeatMs * 3 < settings.leaseMs, "a lease must survive lost heartbeats");
  invariant(settings.electionMinMs < settings.electionMaxMs, "election timeouts need a range to be spread over");
  invariant(settings.appendEntriesMax >= 1 && settings.inflightMax >= 1, "replication must be able to send");
}
