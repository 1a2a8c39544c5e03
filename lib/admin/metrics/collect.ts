/**
 * One scrape: asks the rooms for the numbers that they keep and puts them under the names of the contract. Counts nothing itself, walks the
 * partitions once, and keeps to the settings that bound its rows.
 */
import { UNREADY_CODES } from "../../broker/mod.ts";
import { SHARE_BOUNDS } from "../../io/mod.ts";
import { errorName } from "../../protocol/mod.ts";
import { METRICS as M } from "../../telemetry/contract.ts";
import { Scrape } from "../../telemetry/metrics.ts";
import { VERSION } from "../../version.ts";
import type { AdminContext } from "../mod.ts";
import { groupLag } from "./group_lag.ts";

const STORAGE_STATES = ["ok", "stalled", "full", "failed"] as const;

export async function collect(context: AdminContext): Promise<Scrape> {
  const scrape = new Scrape();
  node(scrape, context);
  requests(scrape, context);
  memory(scrape, context);
  metadata(scrape, context);
  await storage(scrape, context);
  topics(scrape, context);
  await groups(scrape, context);
  for (const { op, exceeded, usedShare, shareSum } of context.services.io.deadlines.stats()) {
    scrape.set(M.deadlineExceeded, exceeded, { op });
    scrape.histogram(M.deadlineUsed, { bounds: SHARE_BOUNDS, cumulative: usedShare, sum: shareSum }, { op });
  }
  return scrape;
}

function node(scrape: Scrape, { meter, readiness }: AdminContext): void {
  const reasons = new Set(readiness.reasons().map(({ code }) => code));
  scrape.set(M.buildInfo, 1, { version: VERSION, runtime: meter.runtime });
  scrape.set(M.ready, reasons.size === 0 ? 1 : 0, {});
  for (const reason of UNREADY_CODES) scrape.set(M.unready, reasons.has(reason) ? 1 : 0, { reason });
  scrape.set(M.processCpu, meter.cpuSeconds(), {});
  scrape.set(M.processResident, meter.residentBytes(), {});
  scrape.set(M.processOpenFds, meter.openFiles(), {});
  scrape.set(M.processMaxFds, meter.openFilesMax(), {});
  scrape.set(M.processStart, meter.startSeconds, {});
}

function requests(scrape: Scrape, { server }: AdminContext): void {
  const { listeners, refused, requestsInFlight, apis, peerEvents } = server.stats;
  for (const { name: listener, connections, accepted, receivedBytes, sentBytes } of listeners) {
    scrape.set(M.connections, connections, { listener });
    scrape.set(M.connectionsAccepted, accepted, { listener });
    scrape.set(M.receivedBytes, receivedBytes, { listener });
    scrape.set(M.sentBytes, sentBytes, { listener });
  }
  scrape.set(M.connectionsRefused, refused, {});
  for (const [event, count] of peerEvents) scrape.set(M.peerEvents, count, { event });
  scrape.set(M.requestsInFlight, requestsInFlight, {});
  for (const { name: api, requests, failures, errors, seconds } of apis) {
    requests.forEach((count, version) => count > 0 && scrape.set(M.requests, count, { api, version: String(version) }));
    scrape.set(M.requestFailures, failures, { api });
    for (const [code, count] of errors) scrape.set(M.requestErrors, count, { api, error: errorName(code) });
    // Most nodes see a third of all APIs: a histogram of nothing says nothing.
    if (requests.some((count) => count > 0)) scrape.histogram(M.requestSeconds, seconds, { api });
  }
}

function memory(scrape: Scrape, { services, server, meter }: AdminContext): void {
  const { budget, buffers } = server.stats;
  const { queuedBytes, unwrittenBytes, indexBytes } = services.storage.stats;
  const { fetchBudget, fetchParks, fetchSessions } = services;
  const parts = {
    requests: budget.heldBytes + budget.partialBytes,
    request_buffers_idle: buffers.idleBytes,
    fetch_replies: fetchBudget.usedBytes,
    wal_queue: queuedBytes,
    unwritten: unwrittenBytes,
    index_cache: indexBytes,
    heap: meter.heapBytes(),
  };
  for (const [part, bytes] of Object.entries(parts)) scrape.set(M.memory, bytes, { part });
  scrape.set(M.readPauses, budget.pauses, {});
  scrape.set(M.requestMemoryRefusals, budget.refusals, {});
  scrape.set(M.fetchesParked, fetchParks.size, {});
  scrape.set(M.fetchesWaiting, fetchBudget.waiting, {});
  scrape.set(M.fetchSessions, fetchSessions.size, {});
}

function metadata(scrape: Scrape, { services: { controller, nodeId } }: AdminContext): void {
  const { image } = controller;
  const { leader, term, snapshotFailure } = controller.quorum();
  let leaderless = 0;
  for (const { partitions } of image.topics.values()) for (const { leader } of partitions) if (leader === -1) leaderless++;
  scrape.set(M.topics, image.topics.size, {});
  scrape.set(M.partitions, image.partitionCount, {});
  scrape.set(M.partitionsLeaderless, leaderless, {});
  scrape.set(M.metadataIndex, image.index, {});
  scrape.set(M.raftTerm, term, {});
  scrape.set(M.raftLeader, leader === nodeId ? 1 : 0, {});
  scrape.set(M.raftSnapshotFailed, snapshotFailure === null ? 0 : 1, {});
}

async function storage(scrape: Scrape, { services: { storage, settings }, disk }: AdminContext): Promise<void> {
  const { health, stats } = storage;
  for (const state of STORAGE_STATES) scrape.set(M.storageState, health.state === state ? 1 : 0, { state });
  scrape.histogram(M.walCommitSeconds, stats.commitSeconds, {});
  scrape.set(M.walWrittenBytes, stats.writtenBytes, {});
  scrape.set(M.walSyncRunning, health.syncRunningMs / 1000, {});
  scrape.set(M.walQueueLimit, settings.walQueueBytesMax, {});
  scrape.set(M.openFiles, stats.openFiles, {});
  let sizeBytes = 0;
  let offline = 0;
  for (const log of storage.logs()) {
    sizeBytes += log.sizeBytes;
    if (log.offlineReason !== null) offline++;
  }
  scrape.set(M.logsSize, sizeBytes, {});
  scrape.set(M.partitionsOffline, offline, {});
  const space = await disk.look();
  if (space === null) return;
  scrape.set(M.diskFree, space.usableBytes, {});
  scrape.set(M.diskSize, space.totalBytes, {});
}

function topics(scrape: Scrape, { services: { partitions, settings } }: AdminContext): void {
  const byTopic = new Map<string, { sizeBytes: number; records: number; bytes: number }>();
  const omitted = new Set<string>();
  for (const { topic, sizeBytes, highWatermark, readableBytes } of partitions.all()) {
    let sums = byTopic.get(topic);
    if (sums === undefined) {
      if (byTopic.size >= settings.metricsTopicsMax) {
        omitted.add(topic);
        continue;
      }
      byTopic.set(topic, sums = { sizeBytes: 0, records: 0, bytes: 0 });
    }
    sums.sizeBytes += sizeBytes;
    sums.records += highWatermark;
    sums.bytes += readableBytes;
  }
  for (const [topic, { sizeBytes, records, bytes }] of byTopic) {
    scrape.set(M.topicSize, sizeBytes, { topic });
    scrape.set(M.topicRecords, records, { topic });
    scrape.set(M.topicBytes, bytes, { topic });
  }
  scrape.set(M.rowsOmitted, omitted.size, { family: "topic" });
}

async function groups(scrape: Scrape, { services }: AdminContext): Promise<void> {
  const { loading, active, groups, waiting, rebalances } = services.groups.stats();
  for (const [state, count] of groups) scrape.set(M.groups, count, { state });
  scrape.set(M.groupShards, loading, { state: "loading" });
  scrape.set(M.groupShards, active, { state: "active" });
  scrape.set(M.groupRequestsWaiting, waiting, {});
  scrape.set(M.groupRebalances, rebalances, {});
  const { rows, omitted } = await groupLag(services);
  for (const { group, topic, lag } of rows) scrape.set(M.groupLag, lag, { group, topic });
  scrape.set(M.rowsOmitted, omitted, { family: "group_lag" });
}
