import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.Crc32C;

/**
 * Record batches by Kafka's own classes. `write OUT` makes batches of every codec; `read IN OUT` reads batches that others made, with
 * every check that Kafka's classes have, and writes beside each what was in it. See README.md.
 */
public class GoldenRecords {
    static final ObjectMapper JSON = new ObjectMapper();
    static final long TIME = 1_700_000_000_000L;

    interface Appends { void to(org.apache.kafka.common.record.internal.MemoryRecordsBuilder builder); }

    public static void main(String[] args) throws Exception {
        ArrayNode out = JSON.createArrayNode();
        if (args[0].equals("write")) {
            for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
                out.add(made("small " + codec, codec, GoldenRecords::small));
                if (!codec.equals("none")) out.add(made("large " + codec, codec, GoldenRecords::large));
            }
            for (ControlRecordType type : List.of(ControlRecordType.COMMIT, ControlRecordType.ABORT)) {
                out.add(described("end of transaction " + type.name().toLowerCase(),
                    MemoryRecords.withEndTransactionMarker(77, TIME, 5, 4000, (short) 3, new EndTransactionMarker(type, 9)).buffer()));
            }
        } else {
            for (JsonNode batch : JSON.readTree(Path.of(args[1]).toFile())) {
                out.add(described(batch.get("name").asText(), ByteBuffer.wrap(HexFormat.of().parseHex(batch.get("hex").asText()))));
            }
        }
        List<String> lines = new ArrayList<>();
        for (JsonNode row : out) lines.add(JSON.writeValueAsString(row));
        Files.writeString(Path.of(args[args.length - 1]), "[\n" + String.join(",\n", lines) + "\n]\n");
    }

    static byte[] utf8(String text) { return text.getBytes(StandardCharsets.UTF_8); }

    static void small(org.apache.kafka.common.record.internal.MemoryRecordsBuilder builder) {
        builder.append(TIME, utf8("key"), utf8("value"), new Header[] {new RecordHeader("h", utf8("1")), new RecordHeader("ü", null)});
        builder.append(TIME - 70_000, (byte[]) null, utf8("no key"));
        builder.append(TIME + 5, utf8("no value"), (byte[]) null);
        builder.append(TIME, new byte[0], new byte[0]);
    }

    /** More than one block of every codec: text that repeats, and bytes that do not. */
    static void large(org.apache.kafka.common.record.internal.MemoryRecordsBuilder builder) {
        builder.append(TIME, utf8("repeats"), utf8("The quick brown fox. ".repeat(12_000)));
        byte[] noise = new byte[3_000];
        int state = 1;
        for (int i = 0; i < noise.length; i++) {
            state = state * 1_103_515_245 + 12_345;
            noise[i] = (byte) (state >>> 16);
        }
        builder.append(TIME, utf8("noise"), noise);
    }

    static ObjectNode made(String name, String codec, Appends records) {
        var builder = MemoryRecords.builder(ByteBuffer.allocate(1 << 20), RecordBatch.MAGIC_VALUE_V2, Compression.of(codec).build(),
            TimestampType.CREATE_TIME, 100, -1, 4000, (short) 2, 30, false, 5);
        records.to(builder);
        return described(name, builder.build().buffer());
    }

    static ObjectNode described(String name, ByteBuffer bytes) {
        ObjectNode row = JSON.createObjectNode().put("name", name);
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        row.put("hex", HexFormat.of().formatHex(copy));
        ArrayNode batches = row.putArray("batches");
        for (MutableRecordBatch batch : MemoryRecords.readableRecords(bytes.duplicate()).batches()) {
            batch.ensureValid();
            ObjectNode of = batches.addObject().put("codec", batch.compressionType().name).put("baseOffset", batch.baseOffset())
                .put("lastOffset", batch.lastOffset()).put("partitionLeaderEpoch", batch.partitionLeaderEpoch())
                .put("maxTimestamp", batch.maxTimestamp()).put("producerId", batch.producerId()).put("producerEpoch", batch.producerEpoch())
                .put("baseSequence", batch.baseSequence()).put("transactional", batch.isTransactional())
                .put("control", batch.isControlBatch()).put("logAppendTime", batch.timestampType() == TimestampType.LOG_APPEND_TIME);
            ArrayNode records = of.putArray("records");
            for (Record record : batch) {
                record.ensureValid();
                ObjectNode one = records.addObject().put("offset", record.offset()).put("timestamp", record.timestamp())
                    .put("key", field(record.key())).put("value", field(record.value()));
                ArrayNode headers = one.putArray("headers");
                for (Header header : record.headers()) {
                    headers.add(header.key() + "=" + field(header.value() == null ? null : ByteBuffer.wrap(header.value())));
                }
            }
        }
        return row;
    }

    /** Hexadecimal; length and CRC-32C of what is longer than 64 bytes. */
    static String field(ByteBuffer buffer) {
        if (buffer == null) return null;
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes.length <= 64 ? HexFormat.of().formatHex(bytes)
            : bytes.length + " bytes, crc32c " + Long.toHexString(Crc32C.compute(bytes, 0, bytes.length));
    }
}
