/** Every way to simulate the product, by name. */
import type { Tier, TierName } from "./plan.ts";

export const TIERS: Readonly<Partial<Record<TierName, () => Promise<Tier>>>> = {
  broker: async () => {
    const { brokerTier, loadBroker } = await import("./broker/tier.ts");
    await loadBroker();
    return brokerTier;
  },
  metadata: async () => (await import("./metadata/tier.ts")).metadataTier,
  raft: async () => (await import("./raft/tier.ts")).raftTier,
  storage: async () => (await import("./storage/tier.ts")).storageTier,
};
