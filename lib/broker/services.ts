/** What handlers may use. Built once by `node.ts`; every member belongs to the room that its type comes from. */
import type { Controller } from "../controller/types.ts";
import type { GroupCoordinator } from "../coordinator/types.ts";
import type { Io } from "../io/io.ts";
import type { NodeId } from "../protocol/ids.ts";
import type { Partitions } from "../replication/types.ts";
import type { Storage } from "../storage/types.ts";
import type { BrokerSettings, NodeSettings } from "../config/mod.ts";
import type { AdvertisedCheck } from "./advertised_check.ts";
import type { FetchBudget } from "./fetch_budget.ts";
import type { FetchParks } from "./fetch_park.ts";
import type { FetchSessions } from "./fetch_session.ts";

export interface Services {
  readonly io: Io;
  readonly nodeId: NodeId;
  /** Values as they are now. */
  readonly settings: BrokerSettings;
  /** Where the values of `settings` come from. */
  readonly nodeSettings: NodeSettings;
  readonly controller: Controller;
  readonly partitions: Partitions;
  readonly storage: Storage;
  readonly groups: GroupCoordinator;
  readonly fetchSessions: FetchSessions;
  readonly fetchBudget: FetchBudget;
  readonly fetchParks: FetchParks;
  readonly advertisedCheck: AdvertisedCheck;
}
