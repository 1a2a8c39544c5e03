/** What AlterConfigs and IncrementalAlterConfigs share: resources by code, rows that cannot be tried, one proposal for the rest. */
import type { ConfigChange } from "../controller/mod.ts";
import type { Deadline } from "../io/mod.ts";
import { errorCode, type KafkaErrorName } from "../protocol/mod.ts";
import { type ConfigOperation, refused, type Row } from "../state/mod.ts";
import { resourceType } from "./config_resources.ts";
import { repeated } from "./repeated.ts";
import type { Services } from "./services.ts";

export interface ConfigResource {
  readonly resourceType: number;
  readonly resourceName: string;
  /** Or why they cannot be read. */
  readonly operations: Row<readonly ConfigOperation[]>;
}

export interface ConfigResponse {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
}

/** Rows in the order of `resources`; one entry for all that can be tried. */
export async function changeConfigs(
  { controller }: Services,
  resources: readonly ConfigResource[],
  { replaceAll, validateOnly }: { readonly replaceAll: boolean; readonly validateOnly: boolean },
  deadline: Deadline,
): Promise<ConfigResponse[]> {
  const keyOf = ({ resourceType, resourceName }: ConfigResource): string => `${resourceType} ${resourceName}`;
  const twice = repeated(resources.map(keyOf));
  const tried = resources.map((resource) => {
    if (twice.has(keyOf(resource))) {
      return refused("INVALID_REQUEST", `Cannot change the settings of "${resource.resourceName}": the request names it more than once`);
    }
    return toChange(resource, replaceAll);
  });
  const changes = tried.filter((row) => row.ok).map((row) => row.value);
  const rows = changes.length === 0 ? [] : await controller.changeConfigs(changes, validateOnly, deadline);
  let next = 0;
  return resources.map((resource, at) => {
    const before = tried[at]!;
    return response(resource, before.ok ? rows[next++]! : before);
  });
}

export function refusedConfigs(
  resources: readonly { readonly resourceType: number; readonly resourceName: string }[],
  error: KafkaErrorName,
  message: string,
): ConfigResponse[] {
  return resources.map((resource) => response(resource, refused(error, message)));
}

function toChange({ resourceType: code, resourceName, operations }: ConfigResource, replaceAll: boolean): Row<ConfigChange> {
  const type = resourceType(code);
  if (type === null) {
    return refused("INVALID_REQUEST", `Cannot change the settings of "${resourceName}": resource type ${code} is not served`);
  }
  if (!operations.ok) return operations;
  return { ok: true, value: { type, name: resourceName, operations: operations.value, replaceAll } };
}

function response(
  { resourceType, resourceName }: { readonly resourceType: number; readonly resourceName: string },
  row: Row<unknown>,
): ConfigResponse {
  return { errorCode: row.ok ? 0 : errorCode(row.error), errorMessage: row.ok ? null : row.message, resourceType, resourceName };
}
