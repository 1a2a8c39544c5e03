/**
 * The groups that this broker coordinates.
 * Source: KIP-518 (states), KIP-848 (types).
 */
import { api, array, type Draft, type Infer, int16, int32, message, since, string } from "../schema/mod.ts";

export const ListGroupsRequest = message({
  name: "ListGroupsRequest",
  apiKey: 16,
  versions: [0, 5],
  flexible: 3,
  fields: {
    /** Empty: all. */
    statesFilter: since(4, array(string), []),
    /** Empty: all. */
    typesFilter: since(5, array(string), []),
  },
});
export type ListGroupsRequest = Infer<typeof ListGroupsRequest>;

export const ListGroupsResponse = message({
  name: "ListGroupsResponse",
  apiKey: 16,
  versions: [0, 5],
  flexible: 3,
  fields: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: int16,
    groups: array({
      groupId: string,
      protocolType: string,
      groupState: since(4, string),
      groupType: since(5, string),
    }),
  },
});
export type ListGroupsResponse = Draft<typeof ListGroupsResponse>;

export const ListGroups = api("ListGroups", ListGroupsRequest, ListGroupsResponse);
