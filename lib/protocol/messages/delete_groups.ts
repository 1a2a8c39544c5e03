/**
 * Deletes empty groups with their offsets.
 * Source: KIP-229.
 */
import { api, array, type Draft, type Infer, int16, int32, message, optional, string } from "../schema/mod.ts";

export const DeleteGroupsRequest = message({
  name: "DeleteGroupsRequest",
  apiKey: 42,
  versions: [0, 2],
  flexible: 2,
  fields: {
    groupsNames: array(string),
  },
});
export type DeleteGroupsRequest = Infer<typeof DeleteGroupsRequest>;

export const DeleteGroupsResponse = message({
  name: "DeleteGroupsResponse",
  apiKey: 42,
  versions: [0, 2],
  flexible: 2,
  fields: {
    throttleTimeMs: optional(int32, 0),
    results: array({ groupId: string, errorCode: int16 }),
  },
});
export type DeleteGroupsResponse = Draft<typeof DeleteGroupsResponse>;

export const DeleteGroups = api("DeleteGroups", DeleteGroupsRequest, DeleteGroupsResponse);
