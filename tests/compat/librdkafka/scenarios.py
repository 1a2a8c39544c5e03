"""confluent-kafka against the broker in BOOTSTRAP; one scenario per run, exit code 0 when everything held."""

import os
import sys
import time
import uuid

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, OffsetSpec, ResourceType,
)

BOOTSTRAP = os.environ["BOOTSTRAP"]
admin = AdminClient({"bootstrap.servers": BOOTSTRAP})


def unique(name):
    return f"rdk-{name}-{uuid.uuid4().hex[:8]}"


def create(name, partitions=1, config=None):
    topic = unique(name)
    admin.create_topics([NewTopic(topic, partitions, 1, config=config or {})])[topic].result(30)
    return topic


def produce(topic, rows, **config):
    """rows: dicts for Producer.produce. Answers with the offsets in delivery order."""
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "linger.ms": 5, **config})
    reports = []

    def delivered(error, message):
        if error is not None:
            raise KafkaException(error)
        reports.append((message.partition(), message.offset()))

    for row in rows:
        producer.produce(topic, on_delivery=delivered, **row)
        producer.poll(0)
    assert producer.flush(60) == 0
    return reports


def consumer(group, **config):
    return Consumer({
        "bootstrap.servers": BOOTSTRAP, "group.id": group, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "session.timeout.ms": 6000, "heartbeat.interval.ms": 300, **config,
    })


def poll_until(consumers, done, seconds=40):
    end = time.monotonic() + seconds
    got = []
    while not done(got):
        assert time.monotonic() < end, f"not reached in {seconds} s with {len(got)} messages"
        for c in consumers:
            message = c.poll(0.05)
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            got.append(message)
    return got


def read_all(topic, count, **config):
    c = consumer(unique("g"), **config)
    c.subscribe([topic])
    got = poll_until([c], lambda got: len(got) >= count)
    c.close()
    return got


def codecs():
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        topic = create(f"codec-{codec}", 2)
        values = [f"value {i} {'z' * (i % 80)}".encode() for i in range(3000)]
        produce(topic, [{"value": v, "partition": i % 2} for i, v in enumerate(values)], **{"compression.type": codec})
        got = read_all(topic, 3000, **{"check.crcs": True})
        assert sorted(m.value() for m in got) == sorted(values), codec
        for partition in (0, 1):
            assert [m.offset() for m in got if m.partition() == partition] == list(range(1500)), codec


def headers():
    topic = create("headers")
    produce(topic, [
        {"key": b"k", "value": b"v", "headers": [("a", b"1"), ("a", b"2"), ("n", None)], "timestamp": 1700000000123},
        {"key": b"gone", "value": None},
    ])
    first, second = read_all(topic, 2)
    assert first.key() == b"k" and first.headers() == [("a", b"1"), ("a", b"2"), ("n", None)]
    assert first.timestamp()[1] == 1700000000123
    assert second.value() is None and second.key() == b"gone"


def acks():
    for config in [{"acks": 0}, {"acks": 1}, {"acks": "all"}, {"enable.idempotence": True, "batch.num.messages": 50}]:
        topic = create("acks")
        produce(topic, [{"value": str(i).encode()} for i in range(1000)], **config)
        got = read_all(topic, 1000)
        assert [int(m.value()) for m in got] == list(range(1000)), config
    stamped = create("stamped", config={"message.timestamp.type": "LogAppendTime"})
    before = time.time() * 1000
    produce(stamped, [{"value": b"x", "timestamp": 1}])
    kind, at = read_all(stamped, 1)[0].timestamp()
    assert kind == 2 and at >= before - 1000, (kind, at)


def groups():
    for strategy in ["range", "roundrobin", "cooperative-sticky"]:
        topic = create(f"groups-{strategy}", 4)
        group = unique("g")
        produce(topic, [{"value": str(i).encode(), "partition": i % 4} for i in range(80)])
        config = {"partition.assignment.strategy": strategy}
        one, two = consumer(group, **config), consumer(group, **config)
        one.subscribe([topic])
        seen = poll_until([one], lambda got: len(got) >= 80)
        one.commit(asynchronous=False)
        two.subscribe([topic])
        poll_until([one, two], lambda _: len(one.assignment()) == 2 and len(two.assignment()) == 2)
        owned = sorted(p.partition for c in (one, two) for p in c.assignment())
        assert owned == [0, 1, 2, 3], owned
        one.close()
        poll_until([two], lambda _: len(two.assignment()) == 4)
        produce(topic, [{"value": b"late", "partition": p} for p in range(4)])
        late = poll_until([two], lambda got: len([m for m in got if m.value() == b"late"]) == 4)
        assert all(m.value() == b"late" for m in late), "committed records came again"
        two.close()
        assert len(seen) == 80
    # a static member that restarts keeps its partitions and causes no rebalance
    topic = create("static", 4)
    group = unique("g")
    a, b = (consumer(group, **{"group.instance.id": i, "session.timeout.ms": 30000}) for i in ("a", "b"))
    a.subscribe([topic]), b.subscribe([topic])
    poll_until([a, b], lambda _: len(a.assignment()) == 2 and len(b.assignment()) == 2)
    before = sorted(p.partition for p in a.assignment())
    generation = b.consumer_group_metadata()
    a.close()
    again = consumer(group, **{"group.instance.id": "a", "session.timeout.ms": 30000})
    again.subscribe([topic])
    poll_until([again, b], lambda _: len(again.assignment()) == 2)
    assert sorted(p.partition for p in again.assignment()) == before
    assert generation is not None
    again.close(), b.close()


def admin_calls():
    topic = create("admin", 2, {"retention.ms": "60000"})
    metadata = admin.list_topics(topic, timeout=20)
    assert len(metadata.topics[topic].partitions) == 2
    assert metadata.cluster_id
    resource = ConfigResource(ResourceType.TOPIC, topic)
    config = admin.describe_configs([resource])[resource].result(20)
    assert config["retention.ms"].value == "60000" and config["cleanup.policy"].value == "delete"
    assert config["cleanup.policy"].is_default and not config["retention.ms"].is_default
    change = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[
        ConfigEntry("retention.ms", "90000", incremental_operation=AlterConfigOpType.SET),
        ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.APPEND),
    ])
    admin.incremental_alter_configs([change])[change].result(20)
    config = admin.describe_configs([resource])[resource].result(20)
    assert config["retention.ms"].value == "90000"
    assert sorted(config["cleanup.policy"].value.split(",")) == ["compact", "delete"]
    admin.create_partitions([NewPartitions(topic, 6)])[topic].result(20)
    assert len(admin.list_topics(topic, timeout=20).topics[topic].partitions) == 6
    cluster = admin.describe_cluster().result(20)
    assert len(cluster.nodes) == 1 and cluster.controller.id == cluster.nodes[0].id
    described = admin.describe_topics(TopicCollection([topic]))[topic].result(20)
    assert len(described.partitions) == 6
    group = unique("g")
    c = consumer(group)
    c.subscribe([topic])
    poll_until([c], lambda _: len(c.assignment()) == 6)
    assert group in [g.group_id for g in admin.list_consumer_groups().result(20).valid]
    g = admin.describe_consumer_groups([group])[group].result(20)
    assert g.state.name == "STABLE" and len(g.members) == 1 and len(g.members[0].assignment.topic_partitions) == 6
    try:
        admin.delete_consumer_groups([group])[group].result(20)
        raise AssertionError("a group with members was deleted")
    except KafkaException as e:
        assert e.args[0].code() == KafkaError.NON_EMPTY_GROUP, e
    c.close()
    admin.delete_consumer_groups([group])[group].result(20)
    assert group not in [g.group_id for g in admin.list_consumer_groups().result(20).valid]
    admin.delete_topics([topic])[topic].result(20)
    assert topic not in admin.list_topics(timeout=20).topics


def offsets():
    topic = create("offsets")
    start = 1700000000000
    produce(topic, [{"value": str(i).encode(), "timestamp": start + i * 1000} for i in range(100)], **{"batch.num.messages": 7})
    c = consumer(unique("g"))
    assert c.get_watermark_offsets(TopicPartition(topic, 0), timeout=20) == (0, 100)
    assert c.offsets_for_times([TopicPartition(topic, 0, start + 41500)], timeout=20)[0].offset == 42
    at = TopicPartition(topic, 0)
    for spec, expected in [(OffsetSpec.earliest(), 0), (OffsetSpec.latest(), 100), (OffsetSpec.max_timestamp(), 99), (OffsetSpec.for_timestamp(start + 10), 1)]:
        assert admin.list_offsets({at: spec})[at].result(20).offset == expected, (spec, expected)
    c.assign([TopicPartition(topic, 0, 90)])
    assert [int(m.value()) for m in poll_until([c], lambda got: len(got) >= 10)] == list(range(90, 100))
    c.close()
    group = unique("g")
    request = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 95)])
    admin.alter_consumer_group_offsets([request])[group].result(20)
    read = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(20)
    assert read.topic_partitions[0].offset == 95
    c = consumer(group)
    c.subscribe([topic])
    assert [int(m.value()) for m in poll_until([c], lambda got: len(got) >= 5)] == list(range(95, 100))
    c.close()
    deleted = TopicPartition(topic, 0, 50)
    assert admin.delete_records([deleted])[deleted].result(20).low_watermark == 50
    assert [m.offset() for m in read_all(topic, 50)][0] == 50


def first_error(c):
    for _ in range(30):
        message = c.poll(1)
        if message is not None and message.error():
            return message.error()
    raise AssertionError("no error in 30 s")


def errors():
    topic = create("errors", config={"max.message.bytes": "2000"})
    try:
        produce(topic, [{"value": b"x" * 5000}])
        raise AssertionError("a record above max.message.bytes was accepted")
    except KafkaException as e:
        assert e.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE, e
    c = consumer(unique("g"), **{"allow.auto.create.topics": False})
    c.subscribe([unique("nope")])
    assert first_error(c).code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    c.close()
    c = consumer(unique("g"), **{"auto.offset.reset": "error"})
    c.assign([TopicPartition(topic, 0, 77)])
    assert first_error(c).code() == KafkaError._AUTO_OFFSET_RESET
    c.close()
    for name, config, code in [
        (topic, {}, KafkaError.TOPIC_ALREADY_EXISTS),
        ("bad name!", {}, KafkaError.TOPIC_EXCEPTION),
        (unique("e"), {"no.such.config": "1"}, KafkaError.INVALID_CONFIG),
        (unique("e"), {"retention.ms": "soon"}, KafkaError.INVALID_CONFIG),
    ]:
        try:
            admin.create_topics([NewTopic(name, 1, 1, config=config)])[name].result(20)
            raise AssertionError(f"accepted: {name} {config}")
        except KafkaException as e:
            assert e.args[0].code() == code, (name, config, e)
    try:
        missing = unique("nope")
        admin.delete_topics([missing])[missing].result(20)
        raise AssertionError("deleted a topic that is not there")
    except KafkaException as e:
        assert e.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART, e


scenarios = {
    "codecs": codecs, "headers": headers, "acks": acks, "groups": groups, "admin": admin_calls, "offsets": offsets, "errors": errors,
}
scenarios[sys.argv[1]]()
