/**
 * Carries the exchange of the chosen SASL mechanism.
 * Source: KIP-152, KIP-368 (session lifetime).
 */
import { api, bytes, type Draft, explanation, type Infer, int16, int64, message, nullable, since } from "../schema/mod.ts";

export const SaslAuthenticateRequest = message({
  name: "SaslAuthenticateRequest",
  apiKey: 36,
  versions: [0, 2],
  flexible: 2,
  fields: {
    authBytes: bytes,
  },
});
export type SaslAuthenticateRequest = Infer<typeof SaslAuthenticateRequest>;

export const SaslAuthenticateResponse = message({
  name: "SaslAuthenticateResponse",
  apiKey: 36,
  versions: [0, 2],
  flexible: 2,
  fields: {
    errorCode: int16,
    errorMessage: nullable(explanation),
    authBytes: bytes,
    sessionLifetimeMs: since(1, int64, 0),
  },
});
export type SaslAuthenticateResponse = Draft<typeof SaslAuthenticateResponse>;

export const SaslAuthenticate = api("SaslAuthenticate", SaslAuthenticateRequest, SaslAuthenticateResponse);
