/** Door of `state/groups`: classic consumer groups and their offsets as a machine, and the records that they are made of. */
export { GroupsMachine } from "./groups_machine.ts";
export type { TopicOffsets } from "./offset_table.ts";
export type * from "./types.ts";
export { decodeGroupRecord, encodeGroupRecord, type RecordBytes } from "./record_codec.ts";
