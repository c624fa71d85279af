// SPDX-License-Identifier: Apache-2.0
// The peer of the ring benchmark: libbpf's own consumer. It takes orders on stdin, one line each:
//   drain FILLS RECORDS   fill the ring, consume it; answers "RECORDS CPU_NS"
//   rate PER_SECOND MS    produce at a rate beside; answers "SENT LOST READ CPU_NS"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int fill_fd, counts_fd;
static struct ring_buffer *ring;
static uint64_t sum, records;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int on_record(void *unused, void *data, size_t size)
{
	(void)unused;
	(void)size;
	sum += *(uint64_t *)data;
	records++;
	return 0;
}

static void fill(uint64_t count)
{
	uint64_t args[2] = { count, 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));

	if (bpf_prog_test_run_opts(fill_fd, &opts))
		die("test-run fill");
}

static uint64_t counted(uint32_t which)
{
	uint64_t value = 0;

	if (bpf_map_lookup_elem(counts_fd, &which, &value))
		die("read counts");
	return value;
}

static void drain(uint64_t fills, uint64_t count)
{
	uint64_t cpu = 0;

	records = 0;
	for (uint64_t i = 0; i < fills; i++) {
		uint64_t start;

		fill(count);
		start = now(CLOCK_THREAD_CPUTIME_ID);
		if (ring_buffer__consume(ring) < 0)
			die("consume");
		cpu += now(CLOCK_THREAD_CPUTIME_ID) - start;
	}
	printf("%lu %lu\n", records, cpu);
}

struct pace {
	uint64_t per_second, millis;
	volatile int done;
};

static void *produce(void *argument)
{
	struct pace *pace = argument;
	uint64_t start = now(CLOCK_MONOTONIC), end = start + pace->millis * 1000000, sent = 0;
	uint64_t time;

	while ((time = now(CLOCK_MONOTONIC)) < end) {
		uint64_t due = (time - start) / 1000 * pace->per_second / 1000000;
		struct timespec tick = { .tv_nsec = 1000000 };

		if (due > sent) {
			fill(due - sent);
			sent = due;
		}
		nanosleep(&tick, NULL);
	}
	pace->done = 1;
	return NULL;
}

static void rate(uint64_t per_second, uint64_t millis)
{
	struct pace pace = { per_second, millis, 0 };
	uint64_t sent = counted(0), lost = counted(1), cpu;
	pthread_t producer;

	records = 0;
	cpu = now(CLOCK_THREAD_CPUTIME_ID);
	if (pthread_create(&producer, NULL, produce, &pace))
		die("pthread_create");
	while (!pace.done)
		ring_buffer__poll(ring, 100);
	pthread_join(producer, NULL);
	ring_buffer__consume(ring);
	cpu = now(CLOCK_THREAD_CPUTIME_ID) - cpu;
	printf("%lu %lu %lu %lu\n", counted(0) - sent, counted(1) - lost, records, cpu);
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_map *map;
	char line[128];

	if (argc != 3) {
		fprintf(stderr, "usage: consumer OBJECT RING_BYTES\n");
		return 2;
	}
	object = bpf_object__open_file(argv[1], NULL);
	if (!object)
		die("open");
	map = bpf_object__find_map_by_name(object, "ring");
	if (bpf_map__set_max_entries(map, strtoul(argv[2], NULL, 10)) || bpf_object__load(object))
		die("load");
	fill_fd = bpf_program__fd(bpf_object__find_program_by_name(object, "fill"));
	counts_fd = bpf_object__find_map_fd_by_name(object, "counts");
	ring = ring_buffer__new(bpf_map__fd(map), on_record, NULL, NULL);
	if (!ring)
		die("ring_buffer__new");
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t a, b;

		if (sscanf(line, "drain %lu %lu", &a, &b) == 2)
			drain(a, b);
		else if (sscanf(line, "rate %lu %lu", &a, &b) == 2)
			rate(a, b);
	}
	ring_buffer__free(ring);
	bpf_object__close(object);
	return sum == 42; /* keeps the sum alive */
}
