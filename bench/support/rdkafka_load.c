/*
 * librdkafka as a load generator: the same client for both brokers. Prints one JSON line.
 *   rdkafka_load produce BOOTSTRAP TOPIC PARTITIONS RECORDS BYTES BATCH IN_FLIGHT RATE
 *   rdkafka_load consume BOOTSTRAP TOPIC PARTITIONS RECORDS
 * BATCH is batch.num.messages (1 = one record a request), RATE records a second (0 = as fast as it goes).
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static long acknowledged, failed;
static float *latency;
static long latency_count, latency_max;

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
  (void)rk, (void)opaque;
  if (m->err) failed++;
  else acknowledged++;
  if (latency && latency_count < latency_max) latency[latency_count++] = rd_kafka_message_latency(m) / 1e3f;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char error[512];
  if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) {
    fprintf(stderr, "%s\n", error);
    exit(64);
  }
}

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return x < y ? -1 : x > y;
}

static int produce(char **argv) {
  const char *topic = argv[3];
  long partitions = atol(argv[4]), records = atol(argv[5]), bytes = atol(argv[6]), rate = atol(argv[9]);
  char error[512];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", argv[2]);
  set(conf, "acks", "all");
  set(conf, "batch.num.messages", argv[7]);
  set(conf, "max.in.flight", argv[8]);
  set(conf, "linger.ms", atol(argv[7]) == 1 || rate ? "0" : "5");
  set(conf, "queue.buffering.max.messages", "200000");
  set(conf, "queue.buffering.max.kbytes", "400000");
  rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (!rk) return fprintf(stderr, "%s\n", error), 1;
  rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
  char *payload = malloc(bytes);
  for (long i = 0; i < bytes; i++) payload[i] = (char)(i * 31 + 7);
  latency_max = records;
  latency = malloc(sizeof(float) * records);
  double start = now_ms();
  for (long i = 0; i < records; i++) {
    if (rate) {
      double due = start + i * 1e3 / rate;
      for (double now; (now = now_ms()) < due;) rd_kafka_poll(rk, due - now >= 1 ? (int)(due - now) : 0);
    }
    while (rd_kafka_produce(rkt, (int32_t)(i % partitions), RD_KAFKA_MSG_F_COPY, payload, bytes, NULL, 0, NULL) == -1) rd_kafka_poll(rk, 1);
    if ((i & 255) == 0) rd_kafka_poll(rk, 0);
  }
  rd_kafka_flush(rk, 120000);
  double elapsed = now_ms() - start;
  qsort(latency, latency_count, sizeof(float), by_value);
  printf("{\"records\":%ld,\"failed\":%ld,\"ms\":%.1f,\"p50\":%.3f,\"p99\":%.3f}\n", acknowledged, failed, elapsed,
         latency_count ? latency[latency_count / 2] : 0, latency_count ? latency[latency_count * 99 / 100] : 0);
  return acknowledged == records ? 0 : 1;
}

static int consume(char **argv) {
  char error[512];
  long partitions = atol(argv[4]), records = atol(argv[5]), got = 0, bytes = 0;
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", argv[2]);
  set(conf, "group.id", "bench");
  set(conf, "enable.auto.commit", "false");
  set(conf, "fetch.wait.max.ms", "50");
  set(conf, "queued.max.messages.kbytes", "65536");
  rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
  if (!rk) return fprintf(stderr, "%s\n", error), 1;
  rd_kafka_poll_set_consumer(rk);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)partitions);
  for (long p = 0; p < partitions; p++) rd_kafka_topic_partition_list_add(list, argv[3], (int32_t)p)->offset = 0;
  rd_kafka_assign(rk, list);
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
  rd_kafka_message_t *messages[4096];
  double start = now_ms(), last = start;
  while (got < records && now_ms() - last < 30000) {
    ssize_t n = rd_kafka_consume_batch_queue(queue, 200, messages, 4096);
    for (ssize_t i = 0; i < n; i++) {
      if (!messages[i]->err) got++, bytes += (long)messages[i]->len;
      rd_kafka_message_destroy(messages[i]);
    }
    if (n > 0) last = now_ms();
  }
  printf("{\"records\":%ld,\"bytes\":%ld,\"ms\":%.1f}\n", got, bytes, now_ms() - start);
  return got >= records ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc == 10 && !strcmp(argv[1], "produce")) return produce(argv);
  if (argc == 6 && !strcmp(argv[1], "consume")) return consume(argv);
  fprintf(stderr, "usage: see the head of the source\n");
  return 64;
}
