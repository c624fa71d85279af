// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What KernelIT runs: one small program for each thing the bindings can do. No vmlinux.h: it needs
// no kernel types but the iterator's context, which is declared by hand.
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* A loop of 4096 is "too complex" for the verifier; bpf_loop needs 5.17. */
#define MOST 256

const volatile __u64 target = 7;
const volatile __u16 narrow;
const volatile bool enabled;
__u32 start_value = 3;

struct event {
	__u64 sequence;
	__u32 cpu;
	__u16 kind;
	__u8 flags[2];
	__u64 payload[6];
};
_Static_assert(sizeof(struct event) == 64, "records of 64 bytes");

/* Without a global that names it the type would not be in the BTF. */
const struct event *unused_event __attribute__((unused));

struct pair_key {
	__u32 a;
	__s32 b;
};

struct pair_value {
	__u64 count;
	__u32 small;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10000);
	__type(key, struct pair_key);
	__type(value, struct pair_value);
} pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct pair_value);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} per_cpu_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 512);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u32[3]);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__type(value, __u64);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} perf_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps"); /* 0 reserved, 1 failed, 2 target as the program sees it */

static __always_inline void count(__u32 which, __u64 by)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &which);

	if (n)
		__sync_fetch_and_add(n, by);
}

/* Args: how many records, how many of them to discard (the first ones). */
SEC("raw_tp/task_rename")
int produce(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 records = ctx->args[0];
	__u64 discards = ctx->args[1];

	for (__u64 i = 0; i < MOST; i++) {
		struct event *e;

		if (i >= records)
			break;
		e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
		if (!e) {
			count(1, 1);
			continue;
		}
		__builtin_memset(e, 0, sizeof(*e));
		e->sequence = i;
		e->cpu = bpf_get_smp_processor_id();
		e->kind = 5;
		if (i < discards) {
			bpf_ringbuf_discard(e, 0);
		} else {
			bpf_ringbuf_submit(e, 0);
			count(0, 1);
		}
	}
	return 0;
}

SEC("raw_tp/task_rename")
int produce_perf(struct bpf_raw_tracepoint_args *ctx)
{
	struct event e = {};

	for (__u64 i = 0; i < MOST; i++) {
		if (i >= ctx->args[0])
			break;
		e.sequence = i;
		if (bpf_perf_event_output(ctx, &perf_events, BPF_F_CURRENT_CPU, &e, sizeof(e)))
			count(1, 1);
		else
			count(0, 1);
	}
	return 0;
}

/* Counts in every map and says what the settings are. */
SEC("raw_tp/task_rename")
int settings(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 zero = 0, key = 5;
	__u32 one = 1;
	struct pair_value *v = bpf_map_lookup_elem(&per_cpu, &zero);
	__u32 *slot = bpf_map_lookup_elem(&slots, &key);
	__u64 next;

	if (v) {
		v->count += ctx->args[0];
		v->small++;
	}
	if (slot)
		slot[1]++;
	bpf_map_update_elem(&per_cpu_hash, &zero, &one, BPF_ANY);
	if (!bpf_map_pop_elem(&queue, &next))
		count(2, next);
	count(2, target);
	return enabled ? narrow + start_value : -1;
}

SEC("socket")
int packet_length(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch)
{
	count(0, 1);
	return 0;
}

struct bpf_iter_meta___sonde {
	void *seq;
} __attribute__((preserve_access_index));

struct bpf_iter__task_file___sonde {
	struct bpf_iter_meta___sonde *meta;
	void *task;
	__u32 fd;
	void *file;
} __attribute__((preserve_access_index));

SEC("iter/task_file")
int dump_files(struct bpf_iter__task_file___sonde *ctx)
{
	__u64 line[2];

	if (!ctx->task)
		return 0;
	line[0] = ctx->fd;
	line[1] = (__u64)ctx->file;
	bpf_seq_write((struct seq_file *)ctx->meta->seq, line, sizeof(line));
	return 0;
}

/* The verifier refuses it: the pointer may be NULL. */
SEC("?raw_tp/task_rename")
int refused(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 key = (__u32)ctx->args[0];
	__u64 *n = bpf_map_lookup_elem(&counts, &key);

	return (int)*n;
}

SEC("?tp_btf/no_such_tracepoint")
int BPF_PROG(no_such_hook)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
