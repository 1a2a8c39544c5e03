"""librdkafka as a writer of histories (lib/sim/history.ts): one JSON object a line on standard output. A line on standard input ends it in order.

produce CLIENT TOPIC PARTITIONS IDEMPOTENT TIMEOUT_MS: records of one mark each. What is about to be asked is a line of the kind "asked", so that who
reads knows what a killed client leaves open. Told `ok`, or `unknown`: librdkafka does not say more than that it gave up.
consume CLIENT TOPIC GROUP: a member of a group that commits what it was given, and calls itself anew with each assignment. What is about to be
committed is a line of the kind "committing".
whole READER TOPIC PARTITIONS: everything from the first offset to the end.
"""

import json
import os
import random
import select
import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

BOOTSTRAP = os.environ["BOOTSTRAP"]
# Nothing here may wait long: brokers come back within milliseconds, connections may be half-open.
QUICK = {
    "bootstrap.servers": BOOTSTRAP, "retry.backoff.ms": 20, "retry.backoff.max.ms": 200, "reconnect.backoff.ms": 20,
    "reconnect.backoff.max.ms": 200, "socket.timeout.ms": 4000, "topic.metadata.refresh.interval.ms": 1000,
}
GIVEN_UP = ("_MSG_TIMED_OUT", "_TIMED_OUT")


def now():
    return time.time() * 1000


def say(**event):
    sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")


def stopping(wait=0.0):
    return bool(select.select([sys.stdin], [], [], wait)[0])


def mark_of(value):
    return value.split(b" ", 1)[0].decode()


def produce(client, topic, partitions, idempotent, timeout_ms):
    idempotent = idempotent == "1"
    draws = random.Random(client)
    producer = Producer({
        **QUICK, "enable.idempotence": idempotent, "linger.ms": 2, "batch.num.messages": 20, "message.timeout.ms": int(timeout_ms),
        "request.timeout.ms": 3000, "queue.buffering.max.messages": 100,
    })

    def delivered(asked):
        def told(error, message):
            if error is not None and error.name() not in GIVEN_UP:
                print(f"{client}: {error.name()} {error.str()}", file=sys.stderr, flush=True)
            say(**asked, kind="produced", toldAt=now(), told="ok" if error is None else "unknown",
                offset=message.offset() if error is None else -1)
        return told

    sequence = 0
    while not stopping():
        asks = []
        for _ in range(10):
            asks.append({"client": client, "askedAt": now(), "topic": topic, "partition": draws.randrange(int(partitions)),
                         "mark": f"{client}:{sequence:07}", "idempotent": idempotent})
            sequence += 1
        for asked in asks:
            say(kind="asked", **asked)
        sys.stdout.flush()
        for asked in asks:
            while True:
                try:
                    producer.produce(topic, f"{asked['mark']} {'x' * draws.randrange(400)}", partition=asked["partition"], on_delivery=delivered(asked))
                    break
                except BufferError:
                    producer.poll(0.01)
                    sys.stdout.flush()
        producer.poll(0.001)
        sys.stdout.flush()
    left = producer.flush(60)
    if left:
        print(f"{client}: {left} records without an answer after 60 s", file=sys.stderr, flush=True)
    sys.stdout.flush()


def consume(client, topic, group):
    stint = {"name": f"{client}#0", "number": 0, "since": now()}

    def assigned(_consumer, _partitions):
        stint["number"] += 1
        stint.update(name=f"{client}#{stint['number']}", since=now())

    consumer = Consumer({
        **QUICK, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest", "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 500, "check.crcs": True, "fetch.wait.max.ms": 100,
    })
    consumer.subscribe([topic], on_assign=assigned, on_lost=lambda *_: None)
    while not stopping():
        positions = {}
        for message in consumer.consume(200, 0.2):
            if message.error():
                print(f"{stint['name']}: {message.error()}", file=sys.stderr, flush=True)
                continue
            say(kind="read", client=stint["name"], group=group, askedAt=stint["since"], toldAt=now(), topic=topic,
                partition=message.partition(), offset=message.offset(), mark=mark_of(message.value()))
            positions[message.partition()] = message.offset() + 1
        if positions:
            commit(consumer, stint["name"], group, topic, positions)
        sys.stdout.flush()
    consumer.close()


def commit(consumer, client, group, topic, positions):
    at, told = now(), {}
    # The member's name and generation are not to be had; -1 is nobody's generation.
    asked = [{"client": client, "member": client, "generation": -1, "group": group, "askedAt": at, "topic": topic, "partition": partition,
              "offset": offset} for partition, offset in positions.items()]
    for commit in asked:
        say(kind="committing", **commit)
    sys.stdout.flush()
    try:
        answer = consumer.commit(offsets=[TopicPartition(topic, partition, offset) for partition, offset in positions.items()], asynchronous=False)
        told = {row.partition: "ok" if row.error is None else "unknown" for row in answer}
    except KafkaException as error:
        print(f"{client}: commit: {error}", file=sys.stderr, flush=True)
    for commit in asked:
        say(kind="committed", **commit, toldAt=now(), told=told.get(commit["partition"], "unknown"))


def whole(reader, topic, partitions):
    consumer = Consumer({**QUICK, "group.id": "whole", "enable.auto.commit": False, "check.crcs": True})
    for partition in range(int(partitions)):
        start, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)
        consumer.assign([TopicPartition(topic, partition, start)])
        records, at = [], start
        while at < end:
            for message in consumer.consume(500, 0.1):
                if message.error():
                    raise KafkaException(message.error())
                if message.offset() < end:
                    records.append([message.offset(), mark_of(message.value())])
                at = message.offset() + 1
        say(kind="whole", reader=reader, topic=topic, partition=partition, logStart=start, end=end, records=records)
    consumer.close()


{"produce": produce, "consume": consume, "whole": whole}[sys.argv[1]](*sys.argv[2:])
sys.stdout.flush()
