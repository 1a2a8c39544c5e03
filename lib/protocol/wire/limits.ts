/** What a decoder accepts before it allocates. Source: HAZARDS N4's list, and the limits that Kafka 4.4 introduced. */

/** Elements of one array. */
export const ARRAY_ELEMENTS_MAX = 1_000_000;
/** Elements of all arrays of one message together: keeps nested small arrays from growing a frame into many times its size. */
export const MESSAGE_ELEMENTS_MAX = 4_000_000;
/** Tagged fields of one struct. */
export const TAGGED_FIELDS_MAX = 10_000;
/** Bytes of a string, also where the length would have room for more (as Kafka itself refuses). */
export const STRING_BYTES_MAX = 32_767;
/** Characters of a sentence that explains an error. */
export const EXPLANATION_CHARS_MAX = 1_000;
/** Bytes of an unsigned 32-bit varint. */
export const VARINT_BYTES_MAX = 5;
