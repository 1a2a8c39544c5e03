/**
 * Chooses the SASL mechanism. Never flexible: it comes before the client knows the broker's versions.
 * Source: KIP-43, KIP-152.
 */
import { api, array, type Draft, type Infer, int16, message, string } from "../schema/mod.ts";

export const SaslHandshakeRequest = message({
  name: "SaslHandshakeRequest",
  apiKey: 17,
  versions: [0, 1],
  fields: {
    mechanism: string,
  },
});
export type SaslHandshakeRequest = Infer<typeof SaslHandshakeRequest>;

export const SaslHandshakeResponse = message({
  name: "SaslHandshakeResponse",
  apiKey: 17,
  versions: [0, 1],
  fields: {
    errorCode: int16,
    mechanisms: array(string),
  },
});
export type SaslHandshakeResponse = Draft<typeof SaslHandshakeResponse>;

export const SaslHandshake = api("SaslHandshake", SaslHandshakeRequest, SaslHandshakeResponse);
