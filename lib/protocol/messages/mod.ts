/** Door of `messages`: one file per Kafka API, plus the records that Kafka keeps in its internal topics. */
export * from "./produce.ts";
