"""librdkafka under kill -9: `produce` until told to stop, `consume` everything. BOOTSTRAP and TOPIC say where.

produce: an idempotent producer that never gives up. Each acknowledged record is a line `ack <partition> <offset> <sequence>`;
a line on standard input asks it to flush and end.
consume: each record is a line `record <partition> <offset> <sequence>`, up to the high watermarks.
"""

import os
import select
import sys

from confluent_kafka import Consumer, Producer, TopicPartition

BOOTSTRAP, TOPIC, PARTITIONS = os.environ["BOOTSTRAP"], os.environ["TOPIC"], 3


def produce():
    producer = Producer({
        "bootstrap.servers": BOOTSTRAP, "enable.idempotence": True, "linger.ms": 1, "batch.num.messages": 100,
        "message.timeout.ms": 300000, "retry.backoff.ms": 20, "retry.backoff.max.ms": 100, "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 100, "queue.buffering.max.messages": 3000, "topic.metadata.refresh.interval.ms": 1000,
        "compression.type": os.environ.get("CODEC", "none"),
    })

    def delivered(error, message):
        if error is not None:
            print(f"failed {error}", flush=True)
            return
        sys.stdout.write(f"ack {message.partition()} {message.offset()} {message.value().split(b' ')[0].decode()}\n")

    sequence = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        for _ in range(50):
            while True:
                try:
                    producer.produce(TOPIC, f"{sequence // PARTITIONS} {'x' * (sequence % 300)}", partition=sequence % PARTITIONS, on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(0.01)
            sequence += 1
        producer.poll(0)
        sys.stdout.flush()
    left = producer.flush(120)
    print(f"done {sequence} {left}", flush=True)


def consume():
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "kill9-reader", "enable.auto.commit": False, "check.crcs": True})
    ends = {p: consumer.get_watermark_offsets(TopicPartition(TOPIC, p), timeout=30)[1] for p in range(PARTITIONS)}
    consumer.assign([TopicPartition(TOPIC, p, 0) for p in range(PARTITIONS)])
    position = {p: 0 for p in range(PARTITIONS)}
    while any(position[p] < ends[p] for p in ends):
        for message in consumer.consume(1000, 1.0):
            if message.error():
                raise RuntimeError(message.error())
            position[message.partition()] = message.offset() + 1
            sys.stdout.write(f"record {message.partition()} {message.offset()} {message.value().split(b' ')[0].decode()}\n")
    consumer.close()


{"produce": produce, "consume": consume}[sys.argv[1]]()
