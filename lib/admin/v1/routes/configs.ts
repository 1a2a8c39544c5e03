/** Settings of topics, of a broker and of all brokers: with source and documentation, set and removed. What may be set, the config room knows. */
import { z } from "@hono/zod-openapi";
import { settingsOf } from "../../../broker/mod.ts";
import { CONFIG_SOURCE_CODES, CONFIG_TYPE_CODES, type ConfigRow } from "../../../config/mod.ts";
import type { Deadline } from "../../../io/mod.ts";
import type { ConfigResourceType } from "../../../state/mod.ts";
import type { AdminContext } from "../../mod.ts";
import type { Api } from "../operation.ts";
import { nextCursor, pageByText, pageQuery } from "../paging.ts";
import { booleanParam, brokerParam, field, flag, text, topicName, validateOnly } from "../params.ts";
import { Refused } from "../status.ts";
import { brokerWithId, givenConfigs, topicNamed } from "../topic_schemas.ts";

const tag = "configs";

const sources = Object.keys(CONFIG_SOURCE_CODES) as [string, ...string[]];
const types = Object.keys(CONFIG_TYPE_CODES) as [string, ...string[]];
const value = field(z.string().nullable(), "The value as text; null when it must not be shown", "604800000");
const source = field(z.enum(sources), "Where the value comes from", "default");

const Config = z.object({
  name: text("Name of the setting", "retention.ms"),
  value,
  source,
  type: field(z.enum(types), "Kafka's type of the setting", "long"),
  readOnly: flag("Whether it can only be set at start", false),
  sensitive: flag("Whether its value must not be shown", false),
  synonyms: field(
    z.array(z.object({ name: text("Name of the setting there", "log.retention.ms"), value, source })),
    "All places with a value, the one that counts first",
    [],
  ),
  documentation: text("What it does and what is accepted", "How long records are kept. Accepted: a whole number from -1 on"),
}).openapi("Config");

const ConfigPage = z.object({
  configs: field(z.array(Config), "In the order of their names", []),
  nextCursor,
}).openapi("ConfigPage");

const ConfigChange = z.strictObject({
  set: givenConfigs.optional(),
  remove: field(
    z.array(z.string().min(1).max(249)).max(1_000).optional(),
    "Settings that go back to what counts without them; one that is not set is fine",
    ["retention.bytes"],
  ),
  validateOnly,
}).superRefine(({ set = {}, remove = [] }, context) => {
  if (Object.keys(set).length + remove.length === 0) {
    context.addIssue({ code: "custom", path: [], message: "an object with `set` or `remove`, and something in it", input: {} });
  }
  for (const [at, name] of remove.entries()) {
    const isTwice = Object.hasOwn(set, name) || remove.indexOf(name) < at;
    if (isTwice) {
      context.addIssue({ code: "custom", path: ["remove", at], message: "a name that the request does not have already", input: name });
    }
  }
}).openapi("ConfigChange");

const query = {
  prefix: z.string().max(249).optional().openapi({ description: "Only settings whose names begin with it", example: "retention" }),
  changed: booleanParam(false, "Only settings that have another source than the default"),
  ...pageQuery,
};

interface Resource {
  readonly type: ConfigResourceType;
  readonly name: string;
}

export function configRoutes(api: Api, { services }: AdminContext): void {
  const changes =
    "Everything is checked before anything is set, and it counts from the answer on. The answer has the named settings as they are then.";
  const topicParams = { topic: topicName };
  const ofTopic = ({ topic }: { readonly topic: string }): Resource => ({ type: "topic", name: topicNamed(topic, services).name });
  const brokerParams = { broker: brokerParam };
  const ofBroker = ({ broker }: { readonly broker: number }): Resource => ({
    type: "broker",
    name: String(brokerWithId(broker, services).id),
  });

  api.add({
    method: "get",
    path: "/v1/topics/{topic}/configs",
    id: "listTopicConfigs",
    tag,
    summary: "List settings of a topic",
    description: "Every setting with its value, where that comes from, what else would give it one, and what is accepted.",
    params: topicParams,
    query,
    answer: ConfigPage,
    answers: { 200: "A page of settings" },
    problems: [404],
  }, ({ params, query }) => ({ status: 200, body: listed(ofTopic(params), query) }));

  api.add({
    method: "patch",
    path: "/v1/topics/{topic}/configs",
    id: "changeTopicConfigs",
    tag,
    summary: "Set and remove settings of a topic",
    description: changes,
    params: topicParams,
    body: ConfigChange,
    answer: ConfigPage,
    answers: { 200: "The named settings" },
    problems: [404, 507],
  }, async ({ params, body, deadline }) => ({ status: 200, body: await changed(ofTopic(params), body, deadline) }));

  api.add({
    method: "get",
    path: "/v1/brokers/{broker}/configs",
    id: "listBrokerConfigs",
    tag,
    summary: "List settings of a broker",
    description:
      "Every setting with its value, where that comes from, what else would give it one, and what is accepted. Each broker tells its own.",
    params: brokerParams,
    query,
    answer: ConfigPage,
    answers: { 200: "A page of settings" },
    problems: [404],
  }, ({ params, query }) => ({ status: 200, body: listed(ofBroker(params), query) }));

  api.add({
    method: "patch",
    path: "/v1/brokers/{broker}/configs",
    id: "changeBrokerConfigs",
    tag,
    summary: "Set and remove settings of a broker",
    description: `Only settings that are not \`readOnly\`; the others are given at start. ${changes}`,
    params: brokerParams,
    body: ConfigChange,
    answer: ConfigPage,
    answers: { 200: "The named settings" },
    problems: [404, 507],
  }, async ({ params, body, deadline }) => ({ status: 200, body: await changed(ofBroker(params), body, deadline) }));

  api.add({
    method: "get",
    path: "/v1/cluster/configs",
    id: "listClusterConfigs",
    tag,
    summary: "List settings of all brokers",
    description: "Settings that were set for all brokers of the cluster at once. A broker's own count before them.",
    query,
    answer: ConfigPage,
    answers: { 200: "A page of settings" },
  }, ({ query }) => ({ status: 200, body: listed({ type: "broker", name: "" }, query) }));

  api.add({
    method: "patch",
    path: "/v1/cluster/configs",
    id: "changeClusterConfigs",
    tag,
    summary: "Set and remove settings of all brokers",
    description: `For every broker that has no value of its own. ${changes}`,
    body: ConfigChange,
    answer: ConfigPage,
    answers: { 200: "The named settings that are set" },
    problems: [507],
  }, async ({ body, deadline }) => ({ status: 200, body: await changed({ type: "broker", name: "" }, body, deadline) }));

  function rowsOf({ type, name }: Resource): readonly ConfigRow[] {
    const rows = settingsOf(type, name, services);
    if (!rows.ok) throw new Refused(rows.error, rows.message);
    return rows.value;
  }

  function listed(resource: Resource, { prefix = "", changed, ...page }: z.output<z.ZodObject<typeof query>>): z.output<typeof ConfigPage> {
    const wanted = rowsOf(resource).filter((row) => row.name.startsWith(prefix) && (!changed || row.source !== "default"));
    const { rows, nextCursor } = pageByText(wanted, ({ name }) => name, page);
    return { configs: rows.map(view), nextCursor };
  }

  async function changed(
    resource: Resource,
    body: z.output<typeof ConfigChange>,
    deadline: Deadline,
  ): Promise<z.output<typeof ConfigPage>> {
    const operations = [
      ...Object.entries(body.set ?? {}).map(([name, value]) => ({ name, operation: "set" as const, value })),
      ...(body.remove ?? []).map((name) => ({ name, operation: "delete" as const, value: null })),
    ];
    const rows = await services.controller.changeConfigs([{ ...resource, operations, replaceAll: false }], body.validateOnly, deadline);
    for (const row of rows) if (!row.ok) throw new Refused(row.error, row.message);
    const named = new Set(operations.map(({ name }) => name));
    return { configs: rowsOf(resource).filter(({ name }) => named.has(name)).map(view), nextCursor: null };
  }
}

const view = ({ name, value, source, type, readOnly, sensitive, synonyms, documentation }: ConfigRow): z.output<typeof Config> => ({
  name,
  value,
  source,
  type,
  readOnly,
  sensitive,
  synonyms: synonyms.map((one) => ({ ...one, value: sensitive ? null : one.value })),
  documentation,
});
