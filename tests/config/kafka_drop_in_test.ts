/** What people start Apache Kafka with, as they wrote it: a `server.properties`, a compose file's environment, that of Testcontainers. */
import { describe, expect, test } from "bun:test";
import { loadSettings, NodeSettings, parseListeners, type SettingTexts } from "../../lib/config/mod.ts";

/** The settings that the combined broker and controller of Apache Kafka 4.3.1 ships with. */
const SERVER_PROPERTIES = `
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093

listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL

num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600

log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=1

offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1

#log.flush.interval.messages=10000
log.retention.hours=168
#log.retention.bytes=1073741824
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
`;

const TESTCONTAINERS = {
  CLUSTER_ID: "4L6g3nShT-eMCtK--X86sw",
  KAFKA_LISTENERS: "PLAINTEXT://:9092,BROKER://:9093,CONTROLLER://:9094",
  KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
  KAFKA_INTER_BROKER_LISTENER_NAME: "BROKER",
  KAFKA_PROCESS_ROLES: "broker,controller",
  KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
  KAFKA_NODE_ID: "1",
  KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
  KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: "1",
  KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: "1",
  KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: "1",
  KAFKA_LOG_FLUSH_INTERVAL_MESSAGES: "9223372036854775807",
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: "0",
};

const COMPOSE = {
  KAFKA_NODE_ID: "1",
  KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT",
  KAFKA_ADVERTISED_LISTENERS: "PLAINTEXT_HOST://localhost:9092,PLAINTEXT://broker:19092",
  KAFKA_PROCESS_ROLES: "broker,controller",
  KAFKA_CONTROLLER_QUORUM_VOTERS: "1@broker:29093",
  KAFKA_LISTENERS: "CONTROLLER://:29093,PLAINTEXT_HOST://:9092,PLAINTEXT://:19092",
  KAFKA_INTER_BROKER_LISTENER_NAME: "PLAINTEXT",
  KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
  CLUSTER_ID: "4L6g3nShT-eMCtK--X86sw",
  KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: "0",
  KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: "1",
  KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: "1",
  KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: "1",
  KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: "1",
  KAFKA_LOG_DIRS: "/tmp/kraft-combined-logs",
};

function load(texts: SettingTexts) {
  const loaded = loadSettings(texts);
  const planned = parseListeners(new NodeSettings(loaded.given).values);
  return { ...loaded, listeners: planned.ok ? planned.value : [] };
}
const addresses = (texts: SettingTexts) =>
  load(texts).listeners.map(({ name, host, port, advertised }) => [`${name}://${host}:${port}`, `${advertised?.host}:${advertised?.port}`]);

describe("what Apache Kafka is started with", () => {
  test("its server.properties: served without the controller's listener, and every line accounted for", () => {
    const loaded = load({ properties: SERVER_PROPERTIES });
    expect(loaded).toMatchObject({ errors: [], warnings: [] });
    expect(addresses({ properties: SERVER_PROPERTIES })).toEqual([["PLAINTEXT://:9092", "localhost:9092"]]);
    const written = SERVER_PROPERTIES.split("\n").filter((line) => /^\w/.test(line)).map((line) => line.split("=")[0]!);
    expect([...loaded.understood, ...loaded.ignored].map(({ name }) => name).sort()).toEqual(written.sort());
    expect(loaded.ignored.filter(({ group }) => group === "unknown")).toEqual([]);
  });

  test("Testcontainers for Java, with its starter script and its own listeners", () => {
    const env = {
      ...TESTCONTAINERS,
      KAFKA_LISTENERS: `${TESTCONTAINERS.KAFKA_LISTENERS},TC-0://kafka:19092`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: `${TESTCONTAINERS.KAFKA_LISTENER_SECURITY_PROTOCOL_MAP},TC-0:PLAINTEXT`,
      KAFKA_ADVERTISED_LISTENERS: "PLAINTEXT://localhost:32768,BROKER://0c1e5f2a:9093,TC-0://kafka:19092",
    };
    const loaded = load({ env });
    expect(loaded).toMatchObject({ errors: [], warnings: [] });
    expect(loaded.ignored.map(({ group }) => group)).toEqual(["transactions", "transactions"]);
    expect(addresses({ env })).toEqual([
      ["PLAINTEXT://:9092", "localhost:32768"],
      ["BROKER://:9093", "0c1e5f2a:9093"],
      ["TC-0://kafka:19092", "kafka:19092"],
    ]);
    expect(loaded.given.get("cluster.id")).toBe("4L6g3nShT-eMCtK--X86sw");
  });

  test("Testcontainers for Node.js and for Go, written for Confluent's images", () => {
    const env = {
      KAFKA_BROKER_ID: "1",
      KAFKA_NODE_ID: "1",
      KAFKA_LISTENERS: "PLAINTEXT://0.0.0.0:9093,BROKER://0.0.0.0:9092,CONTROLLER://0.0.0.0:9094",
      KAFKA_REST_BOOTSTRAP_SERVERS: "PLAINTEXT://0.0.0.0:9093,BROKER://0.0.0.0:9092,CONTROLLER://0.0.0.0:9094",
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
      KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
      KAFKA_CONTROLLER_QUORUM_VOTERS: "1@localhost:9094",
      KAFKA_PROCESS_ROLES: "broker,controller",
      KAFKA_CONFLUENT_SUPPORT_METRICS_ENABLE: "false",
      KAFKA_ADVERTISED_LISTENERS: "PLAINTEXT://localhost:32768,BROKER://0c1e5f2a:9092",
    };
    const loaded = load({ env });
    expect(loaded).toMatchObject({ errors: [], warnings: [] });
    expect(loaded.ignored.map(({ name, group }) => [name, group])).toEqual([
      ["rest.bootstrap.servers", "other programs"],
      ["confluent.support.metrics.enable", "other programs"],
    ]);
    expect(addresses({ env })).toHaveLength(2);
  });

  test("the compose file of one node with two listeners", () => {
    expect(load({ env: COMPOSE })).toMatchObject({ errors: [], warnings: [] });
    expect(addresses({ env: COMPOSE })).toEqual([
      ["PLAINTEXT_HOST://:9092", "localhost:9092"],
      ["PLAINTEXT://:19092", "broker:19092"],
    ]);
  });

  test("a properties file of a broker that had ZooKeeper", () => {
    const properties = "broker.id=0\nlisteners=PLAINTEXT://localhost:9092\nlog.dirs=/var/kafka\nzookeeper.connect=zk:2181\n" +
      "zookeeper.connection.timeout.ms=6000\ninter.broker.protocol.version=3.4";
    const loaded = load({ properties });
    expect(loaded.errors).toEqual([]);
    expect(loaded.given.get("node.id")).toBe("0");
    expect(loaded.ignored.map(({ name }) => name)).toEqual([
      "zookeeper.connect",
      "zookeeper.connection.timeout.ms",
      "inter.broker.protocol.version",
    ]);
  });

  const refused: readonly (readonly [what: string, line: string, message: string])[] = [
    ["a controller", "process.roles=controller", "a node is broker and controller at once"],
    ["a broker of other controllers", "process.roles=broker", "a node is broker and controller at once"],
    ["a role that is none", "process.roles=broker,contoller", 'did you mean "controller"?'],
    ["several voters", "controller.quorum.voters=1@a:9093,2@b:9093,3@c:9093", "it names several nodes"],
    ["another voter", "controller.quorum.voters=7@a:9093", "the voter is 7, and this node is 1 by node.id"],
    ["a voter that is none", "controller.quorum.voters=a:9093", "write ID@HOST:PORT"],
    ["several controllers", "controller.quorum.bootstrap.servers=a:9093,b:9093", "it names several nodes"],
    ["an authorizer", "authorizer.class.name=org.example.Acl", "Barnabas has no authorizer"],
    ["a protocol between nodes", "security.inter.broker.protocol=SSL", "only PLAINTEXT is served"],
    ["an SSL listener", "listeners=SSL://:9093\nadvertised.listeners=SSL://a:9093", 'security protocol "SSL" is not served'],
    [
      "a SASL listener by the map",
      "listeners=OUT://:1\nadvertised.listeners=OUT://a:1\nlistener.security.protocol.map=OUT:SASL_SSL",
      'security protocol "SASL_SSL" is not served',
    ],
    ["several directories", "log.dirs=/a,/b", "all data is in one directory here"],
    ["tiered storage", "remote.log.storage.system.enable=true", "there is no remote storage"],
    ["a policy", "create.topic.policy.class.name=org.example.Policy", "no Java class can be loaded"],
    ["no compaction", "log.cleaner.enable=false", "compaction cannot be turned off"],
  ];
  for (const [what, properties, message] of refused) {
    test(`${what}: refused by name`, () => {
      const { errors } = load({ properties });
      expect(errors).toHaveLength(1);
      expect(errors[0]).toContain(message);
    });
  }
  test("what is off or empty changes nothing and is not refused", () => {
    const properties =
      "authorizer.class.name=\nremote.log.storage.system.enable=false\nlog.cleaner.enable=true\nalter.config.policy.class.name=";
    expect(load({ properties }).errors).toEqual([]);
  });
  test("a secret in a properties file is not repeated", () => {
    const loaded = load({ properties: "ssl.keystore.password=hunter2\nsasl.jaas.config=hunter2" });
    expect(JSON.stringify([loaded.understood, loaded.ignored, loaded.errors, loaded.warnings])).not.toContain("hunter2");
  });
});
