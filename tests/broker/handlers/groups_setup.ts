/** Asks the group handlers as a client does: through the codecs of the version, over a coordinator on time that the test moves. */
import type { Handler, RequestContext } from "../../../lib/broker/handler.ts";
import type { Services } from "../../../lib/broker/services.ts";
import { OFFSETS_TOPIC } from "../../../lib/coordinator/mod.ts";
import { unpooled } from "../../../lib/io/mod.ts";
import { decode, encode, type Message, Reader, Writer } from "../../../lib/protocol/mod.ts";
import { PARTITIONS, TestNode } from "../../coordinator/setup.ts";
import { topicImage } from "../../replication/metadata.ts";

export const ORDERS = topicImage("orders", 1, 3);

export class GroupClient {
  readonly node: TestNode;

  constructor(node = new TestNode([topicImage(OFFSETS_TOPIC, 900, PARTITIONS), ORDERS])) {
    this.node = node;
  }

  /** The reply once everything that the request set off has become durable. */
  async ask<Req, Res>(handler: Handler<Req, Res>, version: number, request: object, listener = "PLAINTEXT"): Promise<Res> {
    const reply = this.send(handler, version, request, listener);
    await this.node.settle();
    return reply;
  }

  /** The reply when it comes. */
  async send<Req, Res>(handler: Handler<Req, Res>, version: number, request: object, listener = "PLAINTEXT"): Promise<Res> {
    const asked = pass(handler.api.request as Message<Req, object>, version, request);
    const reply = await handler.handle(asked, this.#context(version, listener));
    return pass(handler.api.response as Message<Res, Res>, version, reply as Res);
  }

  /** The reply that the router gives when it has to refuse. */
  refuse<Req, Res>(handler: Handler<Req, Res>, version: number, request: object): Res {
    const asked = pass(handler.api.request as Message<Req, object>, version, request);
    return pass(handler.api.response as Message<Res, Res>, version, handler.refuse(asked, "NOT_COORDINATOR", "Not here"));
  }

  #context(apiVersion: number, listener: string): RequestContext {
    const address = { host: "127.0.0.1", port: 1 };
    return {
      connection: {
        id: 1,
        listener,
        remote: address,
        local: address,
        principal: "User:ANONYMOUS",
        clientSoftwareName: "",
        clientSoftwareVersion: "",
        clientId: null,
      },
      clientId: "me",
      apiVersion,
      deadline: this.node.deadline(),
      lease: unpooled,
      services: { groups: this.node.groups, controller: this.node.controller } as unknown as Services,
      holdUntilSent: () => {},
      isGone: false,
      whenGone: () => ({ cancel: () => {} }),
      hangUp: () => {},
    };
  }
}

/** There and back through the codec of `version`. */
function pass<Read, Written>(message: Message<Read, Written>, version: number, value: Written): Read {
  const writer = new Writer();
  encode(message, version, value, writer);
  return decode(message, version, new Reader(writer.finishJoined()));
}

/** Every version of an API, lowest first. */
export function versionsOf(handler: { readonly api: { readonly minVersion: number; readonly maxVersion: number } }): number[] {
  const { minVersion, maxVersion } = handler.api;
  return Array.from({ length: maxVersion - minVersion + 1 }, (_, i) => minVersion + i);
}
