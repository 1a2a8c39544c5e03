/**
 * AlterConfigs, versions 0-2: the given settings become all the overrides of a resource (KIP-133); what is not named goes back to its default.
 * - Everything is checked before anything is set; a resource that is named twice is refused. `validateOnly` writes nothing.
 */
import { AlterConfigs, type AlterConfigsRequest, type AlterConfigsResponse } from "../../protocol/mod.ts";
import { changeConfigs, refusedConfigs } from "../change_configs.ts";
import { handler } from "../handler.ts";

export const alterConfigs = handler<AlterConfigsRequest, AlterConfigsResponse>({
  api: AlterConfigs,

  async handle({ resources, validateOnly }, { services, deadline }) {
    const asked = resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType,
      resourceName,
      operations: { ok: true as const, value: configs.map(({ name, value }) => ({ name, operation: "set" as const, value })) },
    }));
    return { responses: await changeConfigs(services, asked, { replaceAll: true, validateOnly }, deadline) };
  },

  refuse: ({ resources }, error, message) => ({ responses: refusedConfigs(resources, error, message) }),
});
