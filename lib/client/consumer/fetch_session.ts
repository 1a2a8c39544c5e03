/**
 * The consumer's side of an incremental fetch session with one broker: names only the partitions that changed since the last request, and
 * begins anew when the broker has lost the session. Pure; does not decide what is wanted. Source: KIP-227, KIP-516 (topic ids).
 */
import type { FetchRequest, KafkaErrorName, Uuid } from "../../protocol/mod.ts";

export interface FetchTarget {
  readonly topic: string;
  readonly topicId: Uuid;
  readonly partition: number;
  readonly fetchOffset: number;
  readonly leaderEpoch: number;
  readonly maxBytes: number;
}

export type SessionRequest = Pick<FetchRequest, "sessionId" | "sessionEpoch"> & {
  readonly topics: readonly {
    readonly topic: string;
    readonly topicId: Uuid;
    readonly partitions: readonly {
      readonly partition: number;
      readonly fetchOffset: number;
      readonly currentLeaderEpoch: number;
      readonly partitionMaxBytes: number;
    }[];
  }[];
  readonly forgottenTopicsData: readonly { readonly topic: string; readonly topicId: Uuid; readonly partitions: readonly number[] }[];
};

const EPOCH_MAX = 0x7fffffff;

export class FetchSession {
  /** 0: none. */
  #id = 0;
  /** Of the next request; 0 asks for a session and names everything. */
  #epoch = 0;
  /** What the broker believes that we want, after the last request. */
  #known = new Map<string, FetchTarget>();
  #byTopicId = false;

  get isFull(): boolean {
    return this.#epoch === 0;
  }

  /** @param byTopicId whether the version that is used names topics by their ids; a session cannot mix the two. */
  request(wanted: readonly FetchTarget[], byTopicId: boolean): SessionRequest {
    if (byTopicId !== this.#byTopicId) this.#epoch = 0;
    this.#byTopicId = byTopicId;
    const next = new Map(wanted.map((target) => [nameOf(target, byTopicId), target]));
    const [added, forgotten] = this.isFull ? [wanted, []] : [
      wanted.filter((target) => this.#differs(target)),
      [...this.#known].filter(([name]) => !next.has(name)).map(([, target]) => target),
    ];
    this.#known = next;
    return {
      sessionId: this.#id,
      sessionEpoch: this.#epoch,
      topics: grouped(added).map(([first, targets]) => ({
        topic: first.topic,
        topicId: first.topicId,
        partitions: targets.map(({ partition, fetchOffset, leaderEpoch, maxBytes }) => ({
          ...{ partition, fetchOffset, currentLeaderEpoch: leaderEpoch, partitionMaxBytes: maxBytes },
        })),
      })),
      forgottenTopicsData: grouped(forgotten).map(([first, targets]) => ({
        ...{ topic: first.topic, topicId: first.topicId, partitions: targets.map(({ partition }) => partition) },
      })),
    };
  }

  /** What a row of the reply answers; undefined for something that was not asked. */
  target(topic: string, topicId: Uuid, partition: number): FetchTarget | undefined {
    return this.#known.get(`${this.#byTopicId ? topicId : topic}/${partition}`);
  }

  /** The request was answered. @param sessionId 0: the broker keeps no session for us, each request then names everything. */
  answered(sessionId: number): void {
    this.#id = sessionId;
    this.#epoch = sessionId === 0 ? 0 : this.#epoch === EPOCH_MAX ? 1 : this.#epoch + 1;
  }

  /** The request was refused as a whole. */
  refused(error: KafkaErrorName): void {
    // Of a session that the broker does not have there is nothing to close.
    if (error === "FETCH_SESSION_ID_NOT_FOUND") this.#id = 0;
    this.#epoch = 0;
  }

  /** No reply came: whether the broker took the request is not known. The next one closes this session and asks for another. */
  lost(): void {
    this.#epoch = 0;
  }

  #differs(target: FetchTarget): boolean {
    const known = this.#known.get(nameOf(target, this.#byTopicId));
    return known === undefined || known.fetchOffset !== target.fetchOffset || known.leaderEpoch !== target.leaderEpoch ||
      known.maxBytes !== target.maxBytes;
  }
}

const nameOf = ({ topic, topicId, partition }: FetchTarget, byTopicId: boolean): string => `${byTopicId ? topicId : topic}/${partition}`;

/** By topic, in order of first appearance. */
function grouped(targets: readonly FetchTarget[]): readonly (readonly [FetchTarget, readonly FetchTarget[]])[] {
  const groups = new Map<string, FetchTarget[]>();
  for (const target of targets) {
    const name = `${target.topicId}/${target.topic}`;
    const group = groups.get(name);
    if (group) group.push(target);
    else groups.set(name, [target]);
  }
  return [...groups.values()].map((group) => [group[0]!, group]);
}
