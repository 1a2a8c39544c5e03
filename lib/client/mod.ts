/** Door of `client`: a Kafka client by the wire protocol, for applications, the command line and other brokers. */
export type * from "./types.ts";
