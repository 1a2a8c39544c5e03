/** An API made for tests: its requests say how they want to be treated. */
import { handler, NO_REPLY, type RequestContext } from "../../lib/broker/handler.ts";
import {
  api,
  bytes,
  cutFrames,
  decode,
  encodeRequest,
  type Infer,
  int32,
  message,
  Reader,
  readResponseHeader,
  records,
  string,
  Writer,
} from "../../lib/protocol/mod.ts";
import { InvariantBroken } from "../../lib/io/mod.ts";
import { join } from "./harness.ts";

const EchoRequest = message({
  name: "EchoRequest",
  apiKey: 900,
  versions: [1, 2],
  flexible: 2,
  fields: { how: string, replyBytes: int32, padding: records },
});
const EchoResponse = message({
  name: "EchoResponse",
  apiKey: 900,
  versions: [1, 2],
  flexible: 2,
  fields: { text: string, payload: records, end: bytes },
});
const Echo = api("Echo", EchoRequest, EchoResponse);

export type EchoCall = Infer<typeof EchoRequest>;
export class EchoDesk {
  /** In the order in which the handler was entered. */
  readonly started: string[] = [];
  /** Requests that wait for the test, oldest first. */
  readonly parked: (() => void)[] = [];
  readonly contexts: RequestContext[] = [];
  leasesHeld = 0;

  readonly handler = handler({
    api: Echo,
    budgetMs: () => 1000,
    handle: (request: EchoCall, context) => {
      this.started.push(request.how);
      this.contexts.push(context);
      // `now` answers at once, `later` and `reject` when the test says so, `silent` gets no reply.
      const { how } = request;
      const reply = () => {
        this.leasesHeld++;
        context.holdUntilSent({ retain() {}, release: () => void this.leasesHeld-- });
        return { text: how, payload: new Uint8Array(request.replyBytes).fill(7), end: new Uint8Array(1) };
      };
      if (how === "now") return reply();
      if (how === "silent") return NO_REPLY;
      if (how === "throw") throw new Error("thrown by the test");
      if (how === "broken") throw new InvariantBroken("broken by the test");
      context.lease.retain(); // As a produce does until its bytes are on disk.
      return new Promise((resolve, reject) => {
        this.parked.push(() => {
          context.lease.release();
          if (how === "reject") reject(new Error("rejected by the test"));
          else resolve(reply());
        });
      });
    },
    refuse: (_request, error, text) => ({ text: `${error}: ${text}`, payload: new Uint8Array(0), end: new Uint8Array(0) }),
  });
}

export function echoRequest(correlationId: number, how: string, { replyBytes = 0, paddingBytes = 0, version = 1 } = {}): Uint8Array {
  const request = { how, replyBytes, padding: new Uint8Array(paddingBytes).fill(3) };
  return join(encodeRequest(Echo, { apiVersion: version, correlationId, clientId: "test" }, request, new Writer()));
}

export interface EchoReply {
  readonly correlationId: number;
  readonly text: string;
  readonly payloadBytes: number;
}

/** The replies in bytes that a broker has written, in order. A frame that is not whole is left out. */
export function echoReplies(bytes: Uint8Array, version = 1): EchoReply[] {
  const { frames } = cutFrames(bytes, 2 ** 30);
  return frames.map((frame) => {
    const reader = new Reader(frame);
    const correlationId = readResponseHeader(reader, Echo, version);
    const { text, payload } = decode(EchoResponse, version, reader);
    return { correlationId, text, payloadBytes: payload.length };
  });
}
