// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The producer of the ring benchmark: fills the ring with 64-byte records when it is test-run.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct record {
	__u64 sequence;
	__u64 payload[7];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps"); /* 0 sent, 1 lost for want of room */

static long send_one(__u32 i, void *unused)
{
	struct record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	__u32 which = r ? 0 : 1;
	__u64 *count = bpf_map_lookup_elem(&counts, &which);

	if (count)
		__sync_fetch_and_add(count, 1);
	if (!r)
		return 0;
	r->sequence = i;
	for (int word = 0; word < 7; word++)
		r->payload[word] = i;
	bpf_ringbuf_submit(r, 0);
	return 0;
}

SEC("raw_tp/task_rename")
int fill(struct bpf_raw_tracepoint_args *ctx)
{
	bpf_loop((__u32)ctx->args[0], send_one, NULL, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
