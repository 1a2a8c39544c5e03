/** Changing settings of things in a cluster: one request for all, what became of each. */
import type { ConfigChange, ConfigResource } from "../../client/mod.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";
import { settle } from "../outcomes.ts";

export const RESOURCE_FORM = "topic/NAME, broker/ID, broker (the default of all brokers) or group/ID";

/** `topic/orders`. @throws {UsageError} */
export function parseResource(text: string): ConfigResource {
  const match = /^(topic|group|broker)(?:\/(.+))?$/s.exec(text);
  const [, type, name] = match ?? [];
  if (type === "broker") return name === undefined ? { type } : { type, name };
  if ((type === "topic" || type === "group") && name !== undefined) return { type, name };
  throw new UsageError(`Invalid resource "${text}": write ${RESOURCE_FORM}`);
}

export function resourceText(resource: ConfigResource): string {
  return resource.name === undefined ? resource.type : `${resource.type}/${resource.name}`;
}

/** @throws {CommandFailed} when one failed. */
export async function changeConfigs(
  context: Context,
  resources: readonly ConfigResource[],
  changes: readonly ConfigChange[],
  validateOnly: boolean,
): Promise<void> {
  const admin = await context.clients.admin();
  const done = await admin.alterConfigs(resources.map((resource) => ({ resource, changes })), { validateOnly });
  const what = changes.map(({ name, operation, value }) => operation === "delete" ? `${name} unset` : `${name}=${value}`).join(", ");
  await settle(
    context,
    resources.flatMap((resource, row) => done[row] === undefined ? [] : [{ of: { resource: resourceText(resource) }, outcome: done[row] }]),
    ({ of }) => `${validateOnly ? "Would change" : "Changed"} ${of["resource"]}: ${what}`,
  );
}
