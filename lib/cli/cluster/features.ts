/** `barnabas cluster features`: which requests, in which versions, and which features a broker serves. Source: KIP-511, KIP-584. */
import { ApiVersions, errorName } from "../../protocol/mod.ts";
import { VERSION } from "../../version.ts";
import { command } from "../declare.ts";
import { CommandFailed } from "../exit.ts";
import { REQUEST_NAMES } from "./request_names.ts";

export const features = command({
  name: "features",
  summary: "show which requests, in which versions, a broker serves",
  connects: true,
  json: "broker, features (name, level, minLevel, maxLevel), apis (key, name, min, max)",
  flags: { "broker": { type: "integer", value: "ID", help: "ask this one; without it any" } },
  arguments: {},
  examples: [{ command: "barnabas cluster features --broker 1", does: "what clients are told when they connect" }],
  async run({ clients, out, io }, { flags }) {
    const cluster = await clients.cluster();
    const reply = await cluster.call(
      flags.broker ?? "any",
      ApiVersions,
      { clientSoftwareName: "barnabas", clientSoftwareVersion: VERSION },
      { deadline: io.deadlines.in("cluster features", clients.timeoutMs) },
    );
    if (reply.errorCode !== 0) throw new CommandFailed(`The broker does not tell what it serves: ${errorName(reply.errorCode)}`);
    const levels = new Map(reply.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]));
    const value = {
      broker: flags.broker,
      features: reply.supportedFeatures.map(({ name, minVersion, maxVersion }) => ({
        name,
        level: levels.get(name) ?? null,
        minLevel: minVersion,
        maxLevel: maxVersion,
      })).toSorted((a, b) => a.name < b.name ? -1 : 1),
      apis: reply.apiKeys.map(({ apiKey, minVersion, maxVersion }) => ({
        key: apiKey,
        name: REQUEST_NAMES[apiKey] ?? null,
        min: minVersion,
        max: maxVersion,
      })).toSorted((a, b) => a.key - b.key),
    };
    await out.result(value, () =>
      [
        out.table(
          [{ title: "FEATURE" }, { title: "LEVEL", align: "right" }, { title: "SUPPORTED", align: "right" }],
          value.features.map(({ name, level, minLevel, maxLevel }) => [name, level, `${minLevel}-${maxLevel}`]),
        ),
        out.table(
          [{ title: "KEY", align: "right" }, { title: "REQUEST" }, { title: "VERSIONS", align: "right" }],
          value.apis.map(({ key, name, min, max }) => [key, name, `${min}-${max}`]),
        ),
      ].filter((part) => part !== "").join("\n"));
  },
});
