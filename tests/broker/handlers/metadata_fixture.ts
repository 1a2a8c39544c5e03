/** Asks a handler as the router does: the request goes through its codec, and so does the reply, both at the asked version. */
import type { Handler, RequestContext } from "../../../lib/broker/handler.ts";
import type { Services } from "../../../lib/broker/services.ts";
import { NodeSettings } from "../../../lib/config/mod.ts";
import { followBrokerConfigs, metadataRules } from "../../../lib/controller/mod.ts";
import { type Address, unpooled } from "../../../lib/io/mod.ts";
import { decode, type Draft, encode, type Infer, type Message, nodeId, Reader, Writer } from "../../../lib/protocol/mod.ts";
import { type Fixture, start } from "../../controller/fixture.ts";

export interface HandlerFixture extends Fixture {
  ask<Req, Res>(handler: Handler<Req, Res>, version: number, request: unknown, listener?: string): Promise<Res>;
  /** Changes in place. */
  readonly settings: Record<string, unknown>;
  readonly nodeSettings: NodeSettings;
  /** What was looked at, whether it can work for the client. */
  readonly advertised: readonly string[];
}

const endpoint = (listener: string, port: number) => ({ listener, host: "broker.test", port, securityProtocol: "PLAINTEXT" as const });

export async function startBroker(settings: Record<string, unknown> = {}): Promise<HandlerFixture> {
  const nodeSettings = new NodeSettings();
  const fixture = await start(undefined, { rules: metadataRules(nodeSettings.values) });
  const { controller, io, soon } = fixture;
  const endpoints = [endpoint("PLAINTEXT", 9092), endpoint("OUTSIDE", 19092)];
  await controller.registerBroker({ id: nodeId(1), rack: "r1", endpoints }, soon());
  followBrokerConfigs(controller, nodeId(1), nodeSettings);
  const all: Record<string, unknown> = { ...nodeSettings.values, ...settings };
  const seen: string[] = [];
  const advertisedCheck = {
    look: (listener: string, told: Address, peer: Address) => seen.push(`${peer.host} is told ${told.host}:${told.port} by ${listener}`),
  };
  const services = { io, nodeId: nodeId(1), controller, settings: all, nodeSettings, advertisedCheck } as unknown as Services;
  return {
    ...fixture,
    settings: all,
    nodeSettings,
    advertised: seen,
    async ask<Req, Res>(handler: Handler<Req, Res>, version: number, request: unknown, listener = "PLAINTEXT"): Promise<Res> {
      const context = {
        connection: { id: 1, listener, remote: { host: "10.0.0.7", port: 50_000 }, principal: "User:ANONYMOUS" },
        clientId: "test",
        apiVersion: version,
        deadline: soon(),
        lease: unpooled,
        services,
      } as unknown as RequestContext;
      const asked = pass(handler.api.request, version, request as Draft<typeof handler.api.request>);
      const reply = await handler.handle(asked as Req, context);
      return pass(handler.api.response, version, reply as Draft<typeof handler.api.response>) as Res;
    },
  };
}

/** There and back through the codec of `version`. */
function pass<Read, Written>(message: Message<Read, Written>, version: number, value: Written): Infer<Message<Read, Written>> {
  const writer = new Writer();
  encode(message, version, value, writer);
  return decode(message, version, new Reader(writer.finishJoined())) as Infer<Message<Read, Written>>;
}
