import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ApiVersionsResponseData.ApiVersion;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.internal.MemoryRecords;

/**
 * Writes the golden bytes: every message is filled by its own schema, serialised by Kafka's generated class, and put beside what
 * Kafka's JSON converter says of it. See README.md for how to run it.
 */
public class Golden {
    static final List<String> APIS = List.of("Produce", "Fetch", "ListOffsets", "Metadata", "OffsetCommit", "OffsetFetch",
        "FindCoordinator", "JoinGroup", "Heartbeat", "LeaveGroup", "SyncGroup", "DescribeGroups", "ListGroups", "SaslHandshake",
        "ApiVersions", "CreateTopics", "DeleteTopics", "DeleteRecords", "InitProducerId", "OffsetForLeaderEpoch", "DescribeConfigs",
        "AlterConfigs", "DescribeLogDirs", "SaslAuthenticate", "CreatePartitions", "DeleteGroups", "IncrementalAlterConfigs",
        "OffsetDelete", "DescribeQuorum", "DescribeCluster", "DescribeProducers", "ListConfigResources", "DescribeTopicPartitions");
    static final String CLIENTS = "org.apache.kafka.common.message.";
    static final String COORDINATOR = "org.apache.kafka.coordinator.group.generated.";
    static final Map<String, String> STORED = new TreeMap<>(Map.of(
        "ConsumerProtocolSubscription", CLIENTS, "ConsumerProtocolAssignment", CLIENTS,
        "OffsetCommitKey", COORDINATOR, "OffsetCommitValue", COORDINATOR, "GroupMetadataKey", COORDINATOR,
        "GroupMetadataValue", COORDINATOR));
    static final ObjectMapper JSON = new ObjectMapper();

    enum Sample { FULL, SPARSE, DEFAULT }

    public static void main(String[] args) throws Exception {
        Path out = Path.of(args[0]);
        ArrayNode ranges = JSON.createArrayNode();
        for (String api : APIS) {
            ApiKeys key = ApiKeys.forId(keyOf(api));
            ApiVersion served = key.toApiVersion(false).orElseThrow();
            List<String> lines = new ArrayList<>();
            for (String side : List.of("Request", "Response")) {
                String name = api + side;
                lines.addAll(samples(name, CLIENTS + name + "Data", key.oldestVersion(), served.maxVersion()));
            }
            write(out.resolve(snake(api) + ".json"), lines);
            ranges.add(range(api, key, served));
        }
        List<String> stored = new ArrayList<>();
        for (Map.Entry<String, String> entry : STORED.entrySet()) {
            Class<?> type = Class.forName(entry.getValue() + entry.getKey());
            short low = type.getField("LOWEST_SUPPORTED_VERSION").getShort(null);
            short high = type.getField("HIGHEST_SUPPORTED_VERSION").getShort(null);
            stored.addAll(samples(entry.getKey(), type.getName(), low, high));
        }
        write(out.resolve("stored.json"), stored);
        List<String> rows = new ArrayList<>();
        for (JsonNode row : ranges) rows.add(row.toString());
        write(out.resolve("ranges.json"), rows);
        List<String> errors = new ArrayList<>();
        for (Errors error : Errors.values()) {
            boolean retriable = error.exception() instanceof RetriableException;
            errors.add(JSON.createObjectNode().put("name", error.name()).put("code", error.code()).put("retriable", retriable).toString());
        }
        write(out.resolve("errors.json"), errors);
    }

    static short keyOf(String api) {
        for (ApiKeys key : ApiKeys.values()) if (key.name.equals(api)) return key.id;
        throw new IllegalArgumentException(api);
    }

    static ObjectNode range(String api, ApiKeys key, ApiVersion served) {
        ObjectNode row = JSON.createObjectNode();
        row.put("name", api).put("key", key.id).put("minVersion", key.oldestVersion()).put("maxVersion", served.maxVersion());
        row.put("advertisedMinVersion", key == ApiKeys.PRODUCE ? ApiKeys.PRODUCE_API_VERSIONS_RESPONSE_MIN_VERSION : served.minVersion());
        ArrayNode request = row.putArray("requestHeaderVersions");
        ArrayNode response = row.putArray("responseHeaderVersions");
        for (short v = key.oldestVersion(); v <= served.maxVersion(); v++) {
            request.add(key.requestHeaderVersion(v));
            response.add(key.responseHeaderVersion(v));
        }
        return row;
    }

    /** One line per different outcome: versions that come out the same share it. */
    static List<String> samples(String name, String className, short low, short high) throws Exception {
        Class<?> type = Class.forName(className);
        Class<?> converter = Class.forName(className + "JsonConverter");
        Schema[] schemas = (Schema[]) type.getField("SCHEMAS").get(null);
        List<String> lines = new ArrayList<>();
        for (Sample sample : Sample.values()) {
            ObjectNode previous = null;
            for (short version = low; version <= high; version++) {
                Message message = (Message) new Filler(sample).struct(schemas[version], type, 0);
                ByteBuffer bytes;
                try {
                    bytes = MessageUtil.toByteBufferAccessor(message, version).buffer();
                } catch (NullPointerException e) {
                    if (sample == Sample.DEFAULT) continue; // A default of null where this version cannot say it.
                    throw e;
                }
                byte[] array = new byte[bytes.remaining()];
                bytes.get(array);
                String hex = HexFormat.of().formatHex(array);
                JsonNode value = toJson(converter, type, message, version);
                if (previous != null && previous.get("hex").asText().equals(hex) && previous.get("value").equals(value)) {
                    ((ArrayNode) previous.get("versions")).add(version);
                    continue;
                }
                if (previous != null) lines.add(previous.toString());
                previous = JSON.createObjectNode();
                previous.put("message", name).put("sample", sample.name().toLowerCase(Locale.ROOT));
                previous.putArray("versions").add(version);
                previous.put("hex", hex);
                previous.set("value", value);
            }
            if (previous != null) lines.add(previous.toString());
        }
        return lines;
    }

    static JsonNode toJson(Class<?> converter, Class<?> type, Message message, short version) throws Exception {
        JsonNode node = (JsonNode) converter.getMethod("write", type, short.class, boolean.class).invoke(null, message, version, false);
        return JSON.readTree(JSON.writeValueAsString(node));
    }

    static void write(Path path, List<String> lines) throws Exception {
        Files.writeString(path, "[\n" + String.join(",\n", lines) + "\n]\n", StandardCharsets.UTF_8);
    }

    static String snake(String name) {
        return name.replaceAll("(?<!^)([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }

    /** Fills what a version's schema has; everything else keeps its default. Values count up, so that no two fields look alike. */
    static final class Filler {
        final Sample sample;
        int count = 0;

        Filler(Sample sample) {
            this.sample = sample;
        }

        Object struct(Schema schema, Class<?> type, int depth) throws Exception {
            Object object = type.getConstructor().newInstance();
            for (BoundField bound : schema.fields()) {
                if (bound.def.type instanceof TaggedFields tagged) {
                    for (org.apache.kafka.common.protocol.types.Field field : tagged.fields().values()) {
                        set(object, field.name, field.type, depth);
                    }
                } else {
                    set(object, bound.def.name, bound.def.type, depth);
                }
            }
            return object;
        }

        void set(Object object, String snakeName, Type type, int depth) throws Exception {
            Field field = fieldOf(object.getClass(), snakeName);
            field.setAccessible(true);
            boolean structs = type.isArray() && type.arrayElementType().orElseThrow() instanceof Schema;
            if (sample == Sample.DEFAULT && (!structs || field.get(object) == null)) return;
            field.set(object, value(type, field, depth));
        }

        Object value(Type type, Field field, int depth) throws Exception {
            if (sample == Sample.SPARSE && type.isNullable()) return null;
            if (type.isArray()) return array(type, field, depth);
            if (type instanceof Schema schema) return struct(schema, field.getType(), depth + 1);
            return primitive(type, field.getType());
        }

        Object array(Type type, Field field, int depth) throws Exception {
            Class<?> holder = field.getType();
            Type element = type.arrayElementType().orElseThrow();
            Class<?> elementClass = elementClass(field);
            @SuppressWarnings("unchecked")
            Collection<Object> items = holder == List.class ? new ArrayList<>() : (Collection<Object>) holder.getConstructor().newInstance();
            boolean structs = element instanceof Schema;
            int length = sample == Sample.DEFAULT ? 1 : sample == Sample.SPARSE ? (structs && depth < 2 ? 1 : 0) : (depth == 0 || !structs ? 2 : 1);
            for (int i = 0; i < length; i++) {
                items.add(structs ? struct((Schema) element, elementClass, depth + 1) : primitive(element, elementClass));
            }
            return items;
        }

        static Class<?> elementClass(Field field) {
            java.lang.reflect.Type generic = field.getType() == List.class ? field.getGenericType() : field.getType().getGenericSuperclass();
            return (Class<?>) ((ParameterizedType) generic).getActualTypeArguments()[0];
        }

        Object primitive(Type type, Class<?> holder) {
            count++;
            boolean full = sample == Sample.FULL;
            String name = type.toString().replace("COMPACT_", "").replace("NULLABLE_", "");
            switch (name) {
                case "BOOLEAN": return full;
                case "INT8": return full ? (byte) (count % 100 + 2) : Byte.MIN_VALUE;
                case "INT16": return full ? (short) (1000 + count) : Short.MIN_VALUE;
                case "UINT16": return full ? 65000 - count : 0;
                case "INT32": return full ? 70_000_000 + count : Integer.MIN_VALUE + count;
                case "INT64": return full ? (1L << 52) + count : -(1L << 53) + count;
                case "UUID": return new Uuid(0x1234_5678_0000_4000L + count, full ? 0x8000_0000_0000_0001L + count : -count);
                case "STRING": return string(full);
                case "BYTES": return bytes(holder, full ? ("bytes-" + count).getBytes(StandardCharsets.UTF_8) : new byte[0]);
                case "RECORDS": return MemoryRecords.readableRecords(ByteBuffer.wrap(full ? patterned(20 + count) : new byte[0]));
                default: throw new IllegalArgumentException(type.toString());
            }
        }

        String string(boolean full) {
            if (!full) return count % 2 == 0 ? "" : "\u00e9\u20ac\ud83d\ude00" + count;
            return count % 5 == 0 ? ("long-" + count + "-").repeat(20) : "text-" + count;
        }

        static byte[] patterned(int length) {
            byte[] bytes = new byte[length];
            for (int i = 0; i < length; i++) bytes[i] = (byte) (7 * i + length);
            return bytes;
        }

        static Object bytes(Class<?> holder, byte[] bytes) {
            return holder == byte[].class ? bytes : ByteBuffer.wrap(bytes);
        }

        static Field fieldOf(Class<?> type, String snakeName) {
            String plain = snakeName.replace("_", "");
            for (Field field : type.getDeclaredFields()) if (field.getName().equalsIgnoreCase(plain)) return field;
            throw new IllegalArgumentException(type + " has no " + snakeName);
        }
    }
}
