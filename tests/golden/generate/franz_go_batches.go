// Produces the samples of GoldenRecords.java with franz-go: go run franz_go_batches.go HOST:PORT PREFIX, one topic per sample and codec.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const at = 1_700_000_000_000

func noise(size int) []byte {
	state, out := int32(1), make([]byte, size)
	for i := range out {
		state = state*1_103_515_245 + 12_345
		out[i] = byte(state >> 16)
	}
	return out
}

func record(ms int64, key, value []byte, headers ...kgo.RecordHeader) *kgo.Record {
	return &kgo.Record{Timestamp: time.UnixMilli(ms), Key: key, Value: value, Headers: headers}
}

func main() {
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	for codec, of := range codecs {
		for _, name := range []string{"small", "large"} {
			if name == "large" && codec == "none" {
				continue
			}
			rows := []*kgo.Record{
				record(at, []byte("key"), []byte("value"), kgo.RecordHeader{Key: "h", Value: []byte("1")}, kgo.RecordHeader{Key: "ü"}),
				record(at-70_000, nil, []byte("no key")), record(at+5, []byte("no value"), nil), record(at, []byte{}, []byte{}),
			}
			if name == "large" {
				rows = []*kgo.Record{record(at, []byte("repeats"), bytes.Repeat([]byte("The quick brown fox. "), 12_000)),
					record(at, []byte("noise"), noise(3_000))}
			}
			client, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]), kgo.DefaultProduceTopic(fmt.Sprintf("%s-%s-%s", os.Args[2], name, codec)),
				kgo.ProducerBatchCompression(of), kgo.ProducerLinger(500*time.Millisecond), kgo.AllowAutoTopicCreation())
			if err == nil {
				err = client.ProduceSync(context.Background(), rows...).FirstErr()
			}
			if err != nil {
				panic(err)
			}
			client.Close()
		}
	}
}
