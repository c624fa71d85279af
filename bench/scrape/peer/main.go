// SPDX-License-Identifier: Apache-2.0

// Command peer serves as many series as asked for with client_golang, labelled as Sonde labels its own.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// linesPerHistogram: ten classic buckets, +Inf, _sum and _count.
const linesPerHistogram = 13

var labels = []string{"node", "namespace", "pod", "container", "unit"}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: peer counters|mixed LINES")
	}
	lines, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	counters := lines
	if os.Args[1] == "mixed" {
		histograms := lines / 2 / linesPerHistogram
		counters = lines - histograms*linesPerHistogram
		vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "sonde_sched_run_queue_seconds",
			Help:    "Runnable to running.",
			Buckets: prometheus.ExponentialBuckets(1.0/(1<<17), 4, 10),
		}, labels)
		registry.MustRegister(vec)
		for i := 0; i < histograms; i++ {
			h := vec.WithLabelValues("worker-1", "shop", pod(i), "app", "")
			for j := 0; j < 20; j++ {
				h.Observe(float64(1+j*j*(i%7+1)) / 65536)
			}
		}
	}
	// a node has some thousand pods at most: the series spread over metrics as they do there
	for first := 0; first < counters; first += 1000 {
		vec := prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: fmt.Sprintf("sonde_bench_%d_total", first/1000),
			Help: "Bytes that send calls accepted.",
		}, labels)
		registry.MustRegister(vec)
		for i := first; i < first+1000 && i < counters; i++ {
			value := float64(i) * 1000003
			if i%2 == 1 {
				value /= 1e9
			}
			vec.WithLabelValues("worker-1", "shop", pod(i%1000), "app", "").Add(value)
		}
	}
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s/metrics\n", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}

func pod(i int) string {
	return fmt.Sprintf("checkout-7d9f8b6c5-%05d", i)
}
