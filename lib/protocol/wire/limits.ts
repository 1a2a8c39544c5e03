/** What a decoder accepts before it allocates. Source: HAZARDS N4's list, and the limits that Kafka 4.4 introduced. */

/** Elements of one array. */
export const ARRAY_ELEMENTS_MAX = 1_000_000;
/** Elements of all arrays of one message together: keeps nested small arrays from growing a frame into many times its size. */
export const MESSAGE_ELEMENTS_MAX = 4_000_000;
/**
 * Memory that the elements of a message may take for each of its bytes. Objects take more than what they say on the wire: Kafka's own messages
 * come to 12 with short names. Made to be large they would come to 53.
 */
export const MEMORY_PER_BYTE_MAX = 16;
/** Memory that they may take whatever the message's size. */
export const MEMORY_BYTES_FREE = 64 * 1024;
/** Tagged fields of one struct. */
export const TAGGED_FIELDS_MAX = 10_000;
/** Bytes of a string, also where the length would have room for more (as Kafka itself refuses). */
export const STRING_BYTES_MAX = 32_767;
/** Characters of a sentence that explains an error. */
export const EXPLANATION_CHARS_MAX = 1_000;
/** Bytes of an unsigned 32-bit varint. */
export const VARINT_BYTES_MAX = 5;
