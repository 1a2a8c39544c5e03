import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.server.config.ServerTopicConfigSynonyms;
import org.apache.kafka.storage.internals.log.LogConfig;

/** Writes the declarations of Kafka's topic settings: TopicConfigs OUT. See README.md. */
public class TopicConfigs {
    public static void main(String[] args) throws Exception {
        StringBuilder out = new StringBuilder("# Apache Kafka 4.3.1: topic setting, default, type, broker settings behind it\n");
        for (ConfigDef.ConfigKey key : new TreeMap<>(LogConfig.configKeys()).values()) {
            if (key.internalConfig || key.name.startsWith("internal.")) continue;
            List<String> synonyms = ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS.getOrDefault(key.name, List.of()).stream()
                .map(synonym -> synonym.name()).toList();
            out.append(String.join("\t", key.name, ConfigDef.convertToString(key.defaultValue, key.type), key.type.name(), String.join(",", synonyms)))
                .append("\n");
        }
        Files.writeString(Path.of(args[0]), out);
    }
}
