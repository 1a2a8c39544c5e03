/** Door of `schema`: one declaration per message with all versions inside, the type inferred from it, codecs compiled from it. */
export type { Api } from "./api.ts";
export type { Infer, Message } from "./message.ts";
