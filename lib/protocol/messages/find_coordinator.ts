/**
 * Names the broker that coordinates a group or a transactional id; several of them from v4 on.
 * Source: KIP-98, KIP-699 (batches), KIP-932 (share groups).
 */
import {
  api,
  array,
  between,
  type Draft,
  explanation,
  type Infer,
  int16,
  int32,
  int8,
  message,
  nullable,
  since,
  string,
  until,
} from "../schema/mod.ts";

export const FindCoordinatorRequest = message({
  name: "FindCoordinatorRequest",
  apiKey: 10,
  versions: [0, 6],
  flexible: 3,
  fields: {
    key: until(3, string, ""),
    /** 0 group, 1 transaction, 2 share. */
    keyType: since(1, int8, 0),
    coordinatorKeys: since(4, array(string), []),
  },
});
export type FindCoordinatorRequest = Infer<typeof FindCoordinatorRequest>;

export const FindCoordinatorResponse = message({
  name: "FindCoordinatorResponse",
  apiKey: 10,
  versions: [0, 6],
  flexible: 3,
  fields: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: until(3, int16, 0),
    errorMessage: between(1, 3, nullable(explanation), ""),
    nodeId: until(3, int32, 0),
    host: until(3, string, ""),
    port: until(3, int32, 0),
    coordinators: since(
      4,
      array({
        key: string,
        nodeId: int32,
        host: string,
        port: int32,
        errorCode: int16,
        errorMessage: nullable(explanation),
      }),
      [],
    ),
  },
});
export type FindCoordinatorResponse = Draft<typeof FindCoordinatorResponse>;

export const FindCoordinator = api("FindCoordinator", FindCoordinatorRequest, FindCoordinatorResponse);
