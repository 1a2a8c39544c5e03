"""kafka-python and its admin command line against the broker in BOOTSTRAP; one scenario per run, exit code 0 when everything held."""

import json
import os
import subprocess
import sys
import time
import uuid

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, MessageSizeTooLargeError, OffsetOutOfRangeError

BOOTSTRAP = os.environ["BOOTSTRAP"]


def unique(name):
    return f"kpy-{name}-{uuid.uuid4().hex[:8]}"


def command(*arguments, fails=False):
    """Runs kafka-python's admin command line; answers with what it printed, read as JSON where it is some."""
    done = subprocess.run(
        [sys.executable, "-m", "kafka.admin", "-b", BOOTSTRAP, "--format", "json", *arguments],
        capture_output=True, text=True, timeout=60,
    )
    assert fails or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    try:
        return json.loads(done.stdout)
    except ValueError:
        return done.stdout + done.stderr


def create(name, partitions=1):
    topic = unique(name)
    command("topics", "create", "-t", topic, "--num-partitions", str(partitions), "--replication-factor", "1")
    return topic


def produce(topic, rows, **config):
    """rows: keyword arguments for `send`. Answers with where they went."""
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, **config)
    futures = [producer.send(topic, **row) for row in rows]
    producer.flush(60)
    placed = [future.get(30) for future in futures]
    producer.close()
    return placed


def read(topic, count, **config):
    consumer = KafkaConsumer(topic, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest", **config)
    try:
        return poll(consumer, count)
    finally:
        consumer.close()


def poll(consumer, count, seconds=40):
    end = time.monotonic() + seconds
    got = []
    while len(got) < count:
        assert time.monotonic() < end, f"only {len(got)} of {count} records in {seconds} s"
        for records in consumer.poll(timeout_ms=500).values():
            got.extend(records)
    return got


def codecs():
    for codec in (None, "gzip", "snappy", "lz4", "zstd"):
        topic = create(f"codec-{codec}")
        rows = [{"value": f"{codec} {i} {'x' * 200}".encode()} for i in range(300)]
        produce(topic, rows, compression_type=codec, linger_ms=20)
        got = read(topic, 300)
        assert [record.value for record in got] == [row["value"] for row in rows], codec


def headers():
    topic = create("headers")
    produce(topic, [
        {"key": b"k", "value": b"v", "headers": [("a", b"1"), ("a", b"2"), ("empty", b"")], "timestamp_ms": 1_700_000_000_123},
        {"key": b"k", "value": None},
        {"value": "h\u00e9".encode()},
    ])
    first, second, third = read(topic, 3)
    assert (first.key, first.value, first.timestamp) == (b"k", b"v", 1_700_000_000_123)
    assert list(first.headers) == [("a", b"1"), ("a", b"2"), ("empty", b"")]
    assert (second.key, second.value) == (b"k", None)
    assert (third.key, third.value.decode()) == (None, "h\u00e9")


def acks():
    for setting, idempotent in (("all", True), ("all", False), (1, False), (0, False)):
        topic = create("acks")
        producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, acks=setting, enable_idempotence=idempotent)
        for i in range(100):
            producer.send(topic, str(i).encode())
        producer.flush(60)
        assert [record.value for record in read(topic, 100)] == [str(i).encode() for i in range(100)], (setting, idempotent)
        producer.close()


def groups():
    topic = create("groups", 4)
    group = unique("group")
    settings = {
        "bootstrap_servers": BOOTSTRAP, "group_id": group, "auto_offset_reset": "earliest",
        "session_timeout_ms": 6000, "heartbeat_interval_ms": 300, "max_poll_interval_ms": 10000,
    }
    produce(topic, [{"value": str(i).encode(), "partition": i % 4} for i in range(40)])
    one = KafkaConsumer(topic, **settings)
    assert len(poll(one, 40)) == 40
    assert len(one.assignment()) == 4
    two = KafkaConsumer(topic, **settings)
    end = time.monotonic() + 40
    while len(one.assignment()) != 2 or len(two.assignment()) != 2:
        assert time.monotonic() < end, (one.assignment(), two.assignment())
        one.poll(timeout_ms=100)
        two.poll(timeout_ms=100)
    assert not one.assignment() & two.assignment()
    two.close()
    while len(one.assignment()) != 4:
        assert time.monotonic() < end, one.assignment()
        one.poll(timeout_ms=100)
    one.commit()
    one.close()
    offsets = KafkaAdminClient(bootstrap_servers=BOOTSTRAP).list_group_offsets(group)
    committed = {partition.partition: found.offset for partition, found in offsets[group].items()}
    assert committed == {0: 10, 1: 10, 2: 10, 3: 10}, committed


def offsets():
    topic = create("offsets")
    at = 1_700_000_000_000
    produce(topic, [{"value": str(i).encode(), "timestamp_ms": at + i * 1000} for i in range(10)])
    consumer = KafkaConsumer(bootstrap_servers=BOOTSTRAP)
    here = TopicPartition(topic, 0)
    consumer.assign([here])
    assert consumer.beginning_offsets([here]) == {here: 0} and consumer.end_offsets([here]) == {here: 10}
    found = consumer.offsets_for_times({here: at + 4500})[here]
    assert (found.offset, found.timestamp) == (5, at + 5000)
    consumer.seek(here, 7)
    assert [record.offset for record in poll(consumer, 3)] == [7, 8, 9]
    consumer.close()


def errors():
    topic = create("errors")
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, max_request_size=4_000_000)
    try:
        producer.send(topic, b"x" * 2_000_000).get(30)
        raise AssertionError("a record of 2 MB was taken")
    except MessageSizeTooLargeError:
        pass
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=BOOTSTRAP, auto_offset_reset="none")
    here = TopicPartition(topic, 0)
    consumer.assign([here])
    consumer.seek(here, 99)
    try:
        poll(consumer, 1, seconds=10)
        raise AssertionError("offset 99 of an empty partition was read")
    except OffsetOutOfRangeError:
        pass
    consumer.close()
    assert issubclass(OffsetOutOfRangeError, KafkaError)


def admin_command():
    topic = create("command", 3)
    produce(topic, [{"value": b"v", "partition": i % 3} for i in range(30)])
    assert topic in [name if isinstance(name, str) else name["name"] for name in command("topics", "list")]
    described = command("topics", "describe", "-t", topic)[0]
    assert [row["leader_id"] for row in described["partitions"]] == [row["isr_nodes"][0] for row in described["partitions"]]

    setting = ("-r", "topic", "-n", topic)
    command("configs", "alter", *setting, "-c", "retention.ms=5000")
    assert command("configs", "describe", *setting, "--modified")["topic"][topic]["retention.ms"]["value"] == "5000"
    command("configs", "reset", *setting, "-c", "retention.ms")
    assert command("configs", "describe", *setting, "--modified")["topic"][topic] == {}
    assert "InvalidConfiguration" in str(command("configs", "alter", *setting, "-c", "retention.ms=soon", fails=True))
    assert topic in command("configs", "list", "-r", "topic")["topic"]

    command("partitions", "create", "-p", f"{topic}:5")
    latest = command("partitions", "list-offsets", "-t", topic, "-s", "latest")[topic]
    assert [latest[str(index)]["offset"] for index in range(5)] == [10, 10, 10, 0, 0]
    # Its own printing of these two fails in JSON.
    subprocess.run([sys.executable, "-m", "kafka.admin", "-b", BOOTSTRAP, "partitions", "delete-records", "-r", f"{topic}:0:4"],
                   check=True, timeout=60, capture_output=True)
    assert command("partitions", "list-offsets", "-t", topic, "-s", "earliest")[topic]["0"]["offset"] == 4
    subprocess.run([sys.executable, "-m", "kafka.admin", "-b", BOOTSTRAP, "partitions", "describe", "-t", topic],
                   check=True, timeout=60, capture_output=True)

    group = unique("command-group")
    read(topic, 26, group_id=group)
    assert group in [row["group_id"] for row in command("groups", "list")]
    assert command("groups", "describe", "-g", group)[group]["group_state"] == "Empty"
    assert command("groups", "list-offsets", "-g", group)[topic]["1"]["lag"] == 0
    # Without -p its 3.0.12 takes the group's id for a partition.
    command("groups", "reset-offsets", "-g", group, "-s", "earliest", "-p", f"{topic}:0")
    assert command("groups", "list-offsets", "-g", group)[topic]["0"]["offset"] == 4
    command("groups", "alter-offsets", "-g", group, "-o", f"{topic}:1:3")
    assert command("groups", "list-offsets", "-g", group)[topic]["1"]["offset"] == 3
    command("groups", "delete-offsets", "-g", group, "-p", f"{topic}:1")
    assert "1" not in command("groups", "list-offsets", "-g", group)[topic]
    command("groups", "delete", "-g", group)
    assert group not in [row["group_id"] for row in command("groups", "list")]

    assert len(command("cluster", "describe")["brokers"]) == 1
    assert command("cluster", "describe-quorum")["topics"][0]["topic_name"] == "__cluster_metadata"
    assert topic in [row["name"] for row in command("cluster", "describe-log-dirs")[0]["log_dirs"][0]["topics"]]
    assert command("cluster", "api-versions")["Produce"][1] >= 13
    producers = command("transactions", "describe-producers", "-t", topic, "-p", "0")
    assert producers[f"{topic}:0"]["active_producers"][0]["last_sequence"] == 9
    command("topics", "delete", "-t", topic)
    assert "UnknownTopicOrPartition" in str(command("topics", "delete", "-t", topic, fails=True))


globals()[sys.argv[1]]()
