"""Produces the samples of GoldenRecords.java with librdkafka: librdkafka_batches.py HOST:PORT PREFIX, one topic per sample and codec."""
import sys
from confluent_kafka import Producer

TIME = 1_700_000_000_000


def noise(size):
    state, out = 1, bytearray()
    for _ in range(size):
        state = (state * 1_103_515_245 + 12_345) & 0xFFFFFFFF
        out.append((state >> 16) & 0xFF)
    return bytes(out)


SMALL = [
    dict(timestamp=TIME, key=b"key", value=b"value", headers=[("h", b"1"), ("ü", None)]),
    dict(timestamp=TIME - 70_000, value=b"no key"),
    dict(timestamp=TIME + 5, key=b"no value"),
    dict(timestamp=TIME, key=b"", value=b""),
]
LARGE = [dict(timestamp=TIME, key=b"repeats", value=b"The quick brown fox. " * 12_000), dict(timestamp=TIME, key=b"noise", value=noise(3_000))]

address, prefix = sys.argv[1:]
for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
    for name, rows in [("small", SMALL), ("large", LARGE)]:
        if name == "large" and codec == "none":
            continue
        producer = Producer({"bootstrap.servers": address, "compression.type": codec, "linger.ms": 500, "enable.idempotence": True})
        for row in rows:
            producer.produce(f"{prefix}-{name}-{codec}", partition=0, **row)
        if producer.flush(20) != 0:
            sys.exit("not everything was sent")
