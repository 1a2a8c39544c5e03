/**
 * ListGroups, versions 0-5: the groups that this node coordinates.
 * - v4 filters by state (KIP-518), v5 by type (KIP-848), without regard to case; a name that does not exist matches nothing.
 * - COORDINATOR_LOAD_IN_PROGRESS while some groups are still being read.
 */
import { errorCode, ListGroups, type ListGroupsRequest, type ListGroupsResponse } from "../../protocol/mod.ts";
import { handler } from "../handler.ts";

export const listGroups = handler<ListGroupsRequest, ListGroupsResponse>({
  api: ListGroups,

  handle(request, { services }) {
    const states = request.statesFilter.map(folded);
    const types = request.typesFilter.map(folded);
    const { error, groups } = services.groups.list();
    return {
      errorCode: errorCode(error),
      groups: groups
        .filter(({ state, type }) =>
          (states.length === 0 || states.includes(folded(state))) && (types.length === 0 || types.includes(type))
        )
        .map(({ groupId, protocolType, state, type }) => ({ groupId, protocolType, groupState: state, groupType: type })),
    };
  },

  refuse: (_request, error) => ({ errorCode: errorCode(error), groups: [] }),
});

function folded(name: string): string {
  return name.trim().toLowerCase();
}
