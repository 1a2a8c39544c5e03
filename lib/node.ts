/**
 * The composition root: builds the rooms from settings and an `Io`, starts them in order, stops them in reverse. It stays a list: logic
 * that is found here belongs to a room.
 */
import { type AdminNode, openAdmin, type ProcessMeter } from "./admin/mod.ts";
import {
  AdvertisedCheck,
  type BrokerLimits,
  FETCH_SESSION_LIMITS,
  FetchBudget,
  FetchParks,
  FetchSessions,
  HANDLERS,
  KafkaServer,
  type KafkaServerStats,
  Readiness,
  type Services,
} from "./broker/mod.ts";
import {
  type BrokerSettings,
  checkConfig,
  checkConfigs,
  clusterIdOf,
  isWildcard,
  type Listener,
  type NodeSettings,
  parseAddress,
  parseListeners,
  resolveTopicConfig,
} from "./config/mod.ts";
import { followBrokerConfigs, loneController, metadataRules, type NodeController, openController } from "./controller/mod.ts";
import { coordinatorSettings, Groups } from "./coordinator/mod.ts";
import { type Address, type Deadline, type Io, narrow } from "./io/mod.ts";
import { nodeId as toNodeId, type Uuid } from "./protocol/mod.ts";
import { ReplicaSet } from "./replication/mod.ts";
import { kafkaLimits, storageSettings } from "./node_settings.ts";
import { topicNameProblem } from "./state/mod.ts";
import { DataDirectoryRefused, directoryBefore, type LogSettings, openStorage, type Storage, type StorageSettings } from "./storage/mod.ts";
import { logOf, type LogRing } from "./telemetry/mod.ts";

export interface NodeOptions {
  readonly io: Io;
  readonly config: NodeSettings;
  /** Where the data lives; on a disk in memory the name means nothing. */
  readonly directory: string;
  readonly inMemory: boolean;
  /** Made at start when they are missing. */
  readonly topics?: readonly BootTopic[];
  /** The last lines of the log, where somebody keeps them. */
  readonly logs?: LogRing | null;
  /** What the admin door tells of the process; where this is another machine's, not this one's. */
  readonly meter?: ProcessMeter;
  readonly tuning?: NodeTuning;
}

/** Sizes that no setting offers: a simulator makes them so small that what seldom happens happens often. */
export interface NodeTuning {
  readonly storage?: Partial<StorageSettings>;
  /** Of topics, over what settings say. */
  readonly log?: Partial<LogSettings>;
  readonly limits?: Partial<BrokerLimits>;
}

export interface BootTopic {
  readonly name: string;
  /** -1: as `num.partitions`. */
  readonly partitions: number;
  readonly configs: ReadonlyMap<string, string>;
}

/** A setting or flag that cannot be used; the message says what to do. */
export class SettingsRefused extends Error {
  override readonly name = "SettingsRefused";
}

const START_MS = 60_000;
/** Of the time to stop: after it, clients that take no answer are dropped, and the rest is for the disk. */
const DRAIN_SHARE = 0.5;

export interface BoundListener extends Listener {
  readonly bound: Address;
}

/** A node that serves. */
export class RunningNode {
  readonly services: Services;
  readonly listeners: readonly BoundListener[];
  /** Null when the admin listener is "none". */
  readonly adminAddress: Address | null;
  readonly #parts: Parts;
  #stopping: Promise<void> | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.services = parts.services;
    this.listeners = parts.listeners;
    this.adminAddress = parts.admin?.address ?? null;
  }

  get controller(): NodeController {
    return this.#parts.controller;
  }
  /** What Kafka's listeners and their connections hold and have done. */
  get traffic(): KafkaServerStats {
    return this.#parts.server.stats;
  }

  /**
   * Accepts nothing more, answers what is in work, commits, syncs, closes. What is not done in `budgetMs` is dropped, never an
   * acknowledged write. Calling it again waits for the same end.
   */
  stop(budgetMs = 10_000): Promise<void> {
    return this.#stopping ??= stopParts(this.#parts, budgetMs);
  }
}

interface Parts {
  readonly services: Services;
  readonly storage: Storage;
  readonly controller: NodeController;
  readonly replicas: ReplicaSet;
  readonly groups: Groups;
  readonly server: KafkaServer;
  readonly listeners: readonly BoundListener[];
  readonly admin: AdminNode | null;
  readonly readiness: Readiness;
}

/** Resolves when clients are served. @throws {SettingsRefused} @throws {DataDirectoryRefused} @throws {IoFailed} nothing is left open then. */
export async function startNode(
  { io, config, directory, inMemory, topics = [], logs = null, meter, tuning = {} }: NodeOptions,
): Promise<RunningNode> {
  const deadline = io.deadlines.in("start", START_MS);
  const settings = config.values;
  const nodeId = toNodeId(settings.nodeId);
  const planned = parseListeners(settings);
  if (!planned.ok) throw new SettingsRefused(planned.problems.join("; "));
  const refused = bootTopicProblems(topics, settings);
  if (refused.length > 0) throw new SettingsRefused(refused.join("; "));

  const made = await directoryBefore(io, directory, deadline);
  const opened: (() => Promise<void> | void)[] = [];
  let isUnused = () => true;
  try {
    const admin = await openAdminDoor(io, settings.adminListener, deadline, meter);
    opened.push(() => admin?.close());

    const storage = await openStorage(io, { ...storageSettings(settings, inMemory), ...tuning.storage }, directory);
    opened.push(() => storage.close(deadline));

    const clusterId = clusterIdOf(settings.clusterId);
    const controller = await openController(io, loneController(nodeId, metadataRules(settings), clusterId), storage.raft, null);
    opened.push(() => controller.close());
    isUnused = () => controller.image.topics.size === 0;
    refuseOtherCluster(controller, clusterId, directory);
    followBrokerConfigs(controller, nodeId, config);

    // Before anybody may delete the logs of topics that this cluster does not have.
    await storage.setClusterId(controller.image.clusterId, deadline);
    const replicas = new ReplicaSet({
      io,
      nodeId,
      storage,
      settingsOf: (topic) => {
        const config = resolveTopicConfig(topic.configs, settings);
        return tuning.log === undefined ? config : { ...config, log: { ...config.log, ...tuning.log } };
      },
    });
    replicas.start(controller.image);
    controller.onApplied((delta, image) => replicas.apply(delta, image));
    opened.push(() => replicas.close());

    const groups = new Groups({
      io,
      controller,
      partitions: replicas,
      settings: coordinatorSettings(settings),
      log: logOf("coordinator"),
    });
    opened.push(() => groups.close());

    const services: Services = {
      io,
      nodeId,
      settings,
      nodeSettings: config,
      controller,
      partitions: replicas,
      storage,
      groups,
      fetchSessions: new FetchSessions(io.clock, io.random("fetch-session"), {
        ...FETCH_SESSION_LIMITS,
        slots: settings.maxIncrementalFetchSessionCacheSlots,
      }),
      fetchBudget: new FetchBudget(io.deadlines),
      fetchParks: new FetchParks(io.deadlines),
      advertisedCheck: new AdvertisedCheck(io.clock, io.net.gateways ?? []),
    };

    const server = new KafkaServer(services, HANDLERS, { limits: { ...kafkaLimits(settings), ...tuning.limits } });
    opened.push(() => server.stop(deadline));
    const listeners: BoundListener[] = [];
    for (const listener of planned.value) {
      const bound = await server.listen(listener.name, { host: listener.host || "0.0.0.0", port: listener.port }, deadline);
      listeners.push({ ...listener, bound });
    }
    await controller.registerBroker({ id: nodeId, rack: settings.brokerRack || null, endpoints: listeners.map(endpointOf) }, deadline);
    await createMissing(controller, topics, deadline);

    const readiness = new Readiness(storage, controller);
    admin?.serve({ services, server, readiness, logs });
    readiness.phase = "serving";
    return new RunningNode({ services, storage, controller, replicas, groups, server, listeners, admin, readiness });
  } catch (error) {
    for (const close of opened.reverse()) {
      await Promise.resolve(close()).catch((cause: unknown) =>
        logOf("node")("warn", "Cannot close after a failed start", { cause: String(cause) })
      );
    }
    // Without a topic nothing was acknowledged to anybody. A directory that was refused is another's.
    if (isUnused() && !(error instanceof DataDirectoryRefused)) {
      await made.takeBack().catch((cause: unknown) =>
        logOf("node")("warn", "Cannot tidy up after a failed start", { cause: String(cause) })
      );
    }
    throw error;
  }
}

async function stopParts(
  { services, storage, controller, replicas, groups, server, admin, readiness }: Parts,
  budgetMs: number,
): Promise<void> {
  const { clock, deadlines, timers } = services.io;
  readiness.phase = "draining";
  const { shutdownDelayMs } = services.settings;
  // Whoever sends traffic here by /readyz is to look elsewhere before the first connection is refused.
  if (shutdownDelayMs > 0) await new Promise<void>((resolve) => timers.after(shutdownDelayMs, resolve));
  const deadline = deadlines.in("stop", budgetMs);
  const draining = narrow(deadline, "stop.drain", clock.mono(), (deadline.at - clock.mono()) * DRAIN_SHARE);
  const drained = server.stop(draining);
  // Those who wait for something that may never come are answered now; who waits for the disk is answered by it.
  services.fetchParks.release();
  await groups.stop(draining);
  await drained;
  admin?.close();
  await replicas.close();
  await controller.close();
  await storage.close(deadline);
}

/** What clients of a listener are told. */
function endpointOf({ name, securityProtocol, advertised, bound, host }: BoundListener) {
  const told = advertised ?? { host: isWildcard(host) ? bound.host : host, port: bound.port };
  return { listener: name, securityProtocol, host: told.host, port: told.port || bound.port };
}

function refuseOtherCluster(controller: NodeController, wanted: Uuid | null, directory: string): void {
  const { clusterId } = controller.image;
  if (wanted === null || clusterId === wanted) return;
  throw new SettingsRefused(
    `Cannot use data directory "${directory}" for cluster "${wanted}": it belongs to cluster "${clusterId}". Name its cluster in "cluster.id" (or CLUSTER_ID), or another directory`,
  );
}

/** What speaks against making these topics, before anything is opened. */
export function bootTopicProblems(topics: readonly BootTopic[], settings: BrokerSettings): readonly string[] {
  return topics.flatMap(({ name, partitions, configs }) => {
    const most = settings.maxPartitionsPerTopic;
    return [
      topicNameProblem(name),
      partitions === 0 || partitions > most
        ? `Cannot make ${partitions} partitions: accepted are 1 to ${most} ("max.partitions.per.topic")`
        : null,
      ...[...configs].map(([key, value]) => checkConfig("topic", key, value)),
      checkConfigs("topic", configs),
    ].flatMap((problem) => problem === null ? [] : [`${problem} (topic "${name}")`]);
  });
}

/** One entry for all of them. Those that exist are left as they are. */
async function createMissing(controller: NodeController, topics: readonly BootTopic[], deadline: Deadline): Promise<void> {
  const missing = topics.filter(({ name }) => !controller.image.topics.has(name));
  if (missing.length === 0) return;
  const rows = await controller.createTopics(
    missing.map(({ name, partitions, configs }) => ({
      name,
      partitions,
      replicationFactor: -1,
      assignments: [],
      configs: [...configs].map(([key, value]) => ({ name: key, value })),
    })),
    false,
    deadline,
  );
  const refused = rows.flatMap((row, at) => row.ok ? [] : [`"${missing[at]!.name}": ${row.message}`]);
  if (refused.length > 0) throw new SettingsRefused(`Cannot create the topics asked for at start: ${refused.join("; ")}`);
}

async function openAdminDoor(io: Io, listener: string, deadline: Deadline, meter?: ProcessMeter): Promise<AdminNode | null> {
  if (listener === "none") return null;
  const parsed = parseAddress(listener);
  if (!parsed.ok) throw new SettingsRefused(`Invalid "admin.listener": ${parsed.message}`);
  return await openAdmin(io, { host: parsed.value.host || "0.0.0.0", port: parsed.value.port }, deadline, meter);
}
