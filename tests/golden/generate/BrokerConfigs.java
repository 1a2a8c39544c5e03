import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;
import kafka.server.KafkaConfig;
import org.apache.kafka.common.config.ConfigDef;

/** Writes the declarations of Kafka's broker settings: BrokerConfigs OUT. See README.md. */
public class BrokerConfigs {
    public static void main(String[] args) throws Exception {
        StringBuilder out = new StringBuilder("# Apache Kafka 4.3.1: broker setting, default, type\n");
        for (ConfigDef.ConfigKey key : new TreeMap<>(KafkaConfig.configDef().configKeys()).values()) {
            if (key.internalConfig) continue;
            boolean none = key.defaultValue == ConfigDef.NO_DEFAULT_VALUE || key.defaultValue == null;
            String value = none ? "" : ConfigDef.convertToString(key.defaultValue, key.type);
            out.append(String.join("\t", key.name, value, key.type.name())).append("\n");
        }
        Files.writeString(Path.of(args[0]), out);
    }
}
