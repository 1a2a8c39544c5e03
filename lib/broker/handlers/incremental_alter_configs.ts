/**
 * IncrementalAlterConfigs, versions 0-1: set, delete, append to and subtract from single settings (KIP-339).
 * - Everything of a resource is checked before anything is set; a resource that is named twice is refused. `validateOnly` writes nothing.
 * - Of a broker only the settings that it can change while it runs; they count from the commit on.
 */
import { IncrementalAlterConfigs, type IncrementalAlterConfigsRequest, type IncrementalAlterConfigsResponse } from "../../protocol/mod.ts";
import { type ConfigOperation, refused, type Row } from "../../state/mod.ts";
import { changeConfigs, refusedConfigs } from "../change_configs.ts";
import { handler } from "../handler.ts";

type Asked = IncrementalAlterConfigsRequest["resources"][number]["configs"];

const OPERATIONS = ["set", "delete", "append", "subtract"] as const;

export const incrementalAlterConfigs = handler<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse>({
  api: IncrementalAlterConfigs,

  async handle({ resources, validateOnly }, { services, deadline }) {
    const asked = resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType,
      resourceName,
      operations: operationsOf(configs),
    }));
    return { responses: await changeConfigs(services, asked, { replaceAll: false, validateOnly }, deadline) };
  },

  refuse: ({ resources }, error, message) => ({ responses: refusedConfigs(resources, error, message) }),
});

function operationsOf(configs: Asked): Row<readonly ConfigOperation[]> {
  const value: ConfigOperation[] = [];
  for (const { name, configOperation, value: given } of configs) {
    const operation = OPERATIONS[configOperation];
    if (operation === undefined) return refused("INVALID_REQUEST", `Cannot change "${name}": operation ${configOperation} is unknown`);
    value.push({ name, operation, value: given });
  }
  return { ok: true, value };
}
