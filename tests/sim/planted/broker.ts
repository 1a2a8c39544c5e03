/** Bugs of broker, coordinator, partitions and client that the broker tier must find. */
import type { PlantedBug } from "./types.ts";

const planted = (name: string, file: string, line: string, wrong: string, seedsMax?: number): PlantedBug => ({
  ...{ name, tier: "broker", file, line, wrong },
  ...(seedsMax !== undefined && { seedsMax }),
});

export const PLANTED: readonly PlantedBug[] = [
  planted(
    "an acknowledgement leaves before the disk has the records",
    "lib/replication/partition.ts",
    "if (this.isAcknowledged(lastOffset, acks)) waiter.acknowledged(tag, null);",
    "if (lastOffset >= 0) waiter.acknowledged(tag, null);",
    50,
  ),
  planted(
    "the high watermark counts what is not on the disk",
    "lib/replication/partition.ts",
    "leaderEnd: this.#log.durableEndOffset,",
    "leaderEnd: this.#log.logEndOffset,",
  ),
  {
    ...planted(
      "readers see what is not on the disk",
      "lib/replication/partition.ts",
      'return reader === "committed" ? this.lastStableOffset : this.#highWatermark;',
      'return reader === "committed" ? this.lastStableOffset : this.#log.logEndOffset;',
    ),
    also: [{
      file: "lib/storage/log/log_reads.ts",
      line: "const end = Math.min(endOffset, this.#log.durableEnd);",
      wrong: "const end = endOffset;",
    }],
  },
  planted(
    "the window of known batches is one too short",
    "lib/storage/log/producers.ts",
    "const BATCHES_KEPT = 5;",
    "const BATCHES_KEPT = 4;",
  ),
  planted(
    "a gap between sequences is taken",
    "lib/storage/log/producers.ts",
    "if (last === undefined || addToSequence(last.lastSequence, 1) === baseSequence) return APPEND;",
    "if (last === undefined || addToSequence(last.lastSequence, 1) <= baseSequence) return APPEND;",
  ),
  planted(
    "an older epoch of a producer is not fenced",
    "lib/storage/log/producers.ts",
    "if (epoch < producer.epoch) {",
    "if (epoch < producer.epoch - 1) {",
  ),
  planted(
    "a commit of an earlier generation is taken",
    "lib/state/groups/commits.ts",
    'if (generation !== group.generation) return "ILLEGAL_GENERATION";',
    'if (generation > group.generation) return "ILLEGAL_GENERATION";',
  ),
  planted(
    "a commit is answered before it is durable",
    "lib/state/groups/commits.ts",
    `  const reply: CommitReply = { error: "NONE", topics };
  if (records.length === 0) return turn.reply(command.ticket, reply);
  turn.append(records, (later, error) => later.reply(command.ticket, error === null ? reply : { error, topics: [] }));
}

function refuseCommit(`,
    `  const reply: CommitReply = { error: "NONE", topics };
  turn.reply(command.ticket, reply);
  if (records.length > 0) turn.append(records, () => {});
}

function refuseCommit(`,
  ),
  planted(
    "a member whose session is over stays",
    "lib/state/groups/session.ts",
    `      removeMember(turn, group, member);
      return goOnWithout(turn, group);
    }
  }`,
    `      return;
    }
  }`,
  ),
  planted(
    "a change of metadata is answered before it is committed",
    "lib/controller/proposals.ts",
    "await this.#applied(index, driver.raft.term, records, deadline);",
    "void this.#applied(index, driver.raft.term, records, deadline);",
  ),
  planted(
    "the client takes a timeout for a refusal",
    "lib/client/producer/verdict.ts",
    '  "REQUEST_TIMED_OUT",\n  "NOT_ENOUGH_REPLICAS_AFTER_APPEND",',
    '  "NOT_ENOUGH_REPLICAS_AFTER_APPEND",',
  ),
  planted(
    "the client sends a batch again behind those that came after it",
    "lib/client/producer/partition_queue.ts",
    "this.waiting.splice(at < 0 ? this.waiting.length : at, 0, batch);",
    "this.waiting.push(batch);",
    1_700,
  ),
  {
    // Hunts of ten thousand seeds did not meet it again.
    ...planted(
      "the client takes the answer that came last for that to its last batch",
      "lib/client/producer/partition_queue.ts",
      "    if (isNews) this.#lastAcknowledged = last;",
      "    this.#lastAcknowledged = last;",
    ),
    script: "tests/sim/scripts/broker/acknowledged_out_of_order.json",
  },
  {
    ...planted(
      "what was committed of a topic counts for the next one of its name",
      "lib/coordinator/groups.ts",
      "return committed.topicId === ZERO_UUID || current === ZERO_UUID || committed.topicId === current;",
      "return committed.topicId === ZERO_UUID || current === ZERO_UUID || committed.topicId !== ZERO_UUID;",
    ),
    also: [{ file: "lib/state/groups/groups_machine.ts", line: "        forgetTopics(turn, command.topics);\n", wrong: "" }],
  },
  planted(
    "the client commits one record too many",
    "lib/client/consumer/assigned_partition.ts",
    "this.committable = this.#position;",
    "this.committable = this.#position === null ? null : this.#position + 1;",
  ),
  {
    // Once in eleven thousand seeds.
    ...planted(
      "who has read its log keeps the offsets of topics whose deletion it did not hear of",
      "lib/coordinator/groups.ts",
      '    host.tell({ kind: "topicsThere", topics: this.#controller.image.topics });\n',
      "",
    ),
    script: "tests/sim/scripts/broker/offset_outlives_its_topic.json",
  },
  planted(
    "DeleteRecords takes one record too many",
    "lib/storage/log/partition_log.ts",
    "await this.#changes.advanceStart(offset);",
    "await this.#changes.advanceStart(Math.min(offset + 1, this.#state.end));",
  ),
  {
    // Once in ten thousand seeds.
    ...planted(
      "DeleteRecords is refused after it was done, when the disk has no room to tidy up",
      "lib/storage/log/log_changes.ts",
      "if (!isMoved || error instanceof Closed) throw error;",
      "throw error;",
    ),
    script: "tests/sim/scripts/broker/start_moved_on_a_full_disk.json",
  },
  planted(
    "DeleteRecords of everything deletes nothing",
    "lib/replication/partition.ts",
    "const target = offset === -1 ? this.#highWatermark : offset;",
    "const target = offset === -1 ? 0 : offset;",
  ),
  planted(
    "DeleteRecords is answered before it is durable",
    "lib/storage/log/partition_log.ts",
    "await this.#changes.advanceStart(offset);",
    "void this.#changes.advanceStart(offset);",
  ),
  planted(
    "replies leave in the order in which handlers finish",
    "lib/broker/reply_writer.ts",
    "if (slot === this.#first) this.#takeTurns();",
    `if (slot !== this.#first) {
      for (let before = this.#first; before !== null; before = before.next) {
        if (before.next !== slot) continue;
        before.next = slot.next;
        if (slot === this.#last) this.#last = before;
        break;
      }
      slot.next = this.#first;
      this.#first = slot;
    }
    this.#takeTurns();`,
  ),
  planted(
    "waiter lost: a produce that came while another one was written",
    "lib/replication/partition.ts",
    "if (durableEndOffset < logEndOffset) this.#askLog();",
    "if (durableEndOffset > logEndOffset) this.#askLog(logEndOffset - 1);",
  ),
  planted(
    "waiter lost: a fetch is not told that the high watermark moved",
    "lib/replication/partition.ts",
    "this.#replicated.passed(next);\n    this.#watchers.notify();",
    "this.#replicated.passed(next);",
  ),
  planted(
    "waiter lost: joins when the last member has come",
    "lib/state/groups/rebalance.ts",
    'if (group.state === "PreparingRebalance" && group.initialDelay === null && group.allJoined) completeJoin(turn, group);\n}\n\n/** The join timer',
    'if (group.state === "PreparingRebalance" && group.initialDelay !== null && group.allJoined) completeJoin(turn, group);\n}\n\n/** The join timer',
  ),
  planted(
    "waiter lost: syncs of those who asked before the leader",
    "lib/state/groups/session.ts",
    "if (later.answerSync(member, error === null ? assignmentOf(group, member) : syncRefused(error))) later.keepAlive(member);",
    "if (member.memberId !== group.leader) continue;\n      if (later.answerSync(member, error === null ? assignmentOf(group, member) : syncRefused(error))) later.keepAlive(member);",
  ),
  planted(
    "fetched bytes are not given back when their reply has left",
    "lib/broker/fetch_budget.ts",
    "if (--count === 0) this.#give(usedBytes, client);",
    "if (--count < 0) this.#give(usedBytes, client);",
  ),
  planted(
    "the bytes of a request that never became whole stay counted",
    "lib/broker/frame_reader.ts",
    "    partial.release();\n    this.#budget.abandoned(partial.bytes.length);",
    "    partial.release();",
  ),
  planted(
    "a file that makes way for another one stays open",
    "lib/storage/file_cache.ts",
    "      this.#open.delete(path);\n      return this.#close(open);",
    "      this.#open.delete(path);\n      return;",
  ),
  planted(
    "the answer under an idempotency key is forgotten at once",
    "lib/admin/v1/idempotency.ts",
    "if (!isKept) this.#forget(key, entry);",
    "if (isKept) this.#forget(key, entry);",
  ),
  planted(
    "offsets that were reset over HTTP are answered before they are committed",
    "lib/admin/v1/routes/groups.ts",
    "await applyReset(services, id, steps, deadline);",
    "applyReset(services, id, steps, deadline).catch(() => {});",
  ),
  planted(
    "a list of topics over HTTP leaves the last one out",
    "lib/admin/v1/paging.ts",
    "const rows = left.slice(0, limit);",
    "const rows = left.length > 3 ? left.slice(0, -1) : left.slice(0, limit);",
  ),
  planted(
    "a stopped node goes on looking for what retention removes",
    "lib/storage/node_storage.ts",
    "    this.#maintenance.stop();\n    const closed",
    "    const closed",
  ),
];
