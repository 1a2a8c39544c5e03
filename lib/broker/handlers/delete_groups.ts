/**
 * DeleteGroups, versions 0-2: forgets groups without members, with their offsets.
 * - NON_EMPTY_GROUP while there are members, GROUP_ID_NOT_FOUND when there is no such group. A group named twice is one row.
 */
import { DeleteGroups, type DeleteGroupsRequest, type DeleteGroupsResponse, errorCode } from "../../protocol/mod.ts";
import { groupWriteError } from "../error_mapping.ts";
import { handler } from "../handler.ts";

export const deleteGroups = handler<DeleteGroupsRequest, DeleteGroupsResponse>({
  api: DeleteGroups,

  async handle(request, { services, deadline }) {
    const rows = await services.groups.deleteGroups(request.groupsNames, deadline);
    return { results: rows.map(({ groupId, error }) => ({ groupId, errorCode: errorCode(groupWriteError(error)) })) };
  },

  refuse: (request, error) => ({ results: request.groupsNames.map((groupId) => ({ groupId, errorCode: errorCode(error) })) }),
});
