/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The scheduler's counters of a workload.
 *
 * A row belongs to one workload and to 2^row_shift neighbouring CPUs: to one where memory allows, and then nobody else
 * writes it at hooks that run with interrupts off; to several within a tight --bpf-memory-limit, and then additions
 * are atomic.
 */
#pragma once

#include "histogram.h"
#include "kernel.h"
#include "task_records.h"
#include "workloads.h"
#include <bpf/bpf_helpers.h>

#define DEADLINES 8

/* What is added to at nearly every switch stands in the first cache line. u32 counts are read as differences, and may
 * wrap; nanoseconds may not. */
struct sched_stats {
	u64 on_cpu_ns;
	u64 wait_ns[WAIT_REASONS];
	u64 off_cpu_ns[BLOCK_KINDS];
	u32 switches[2]; /* involuntary, voluntary */
	u32 migrations;
	u32 padding;
	u64 event_at; /* when the last event of a long wait was sent */
	u32 misses[DEADLINES]; /* waits longer than each deadline */
	u32 waits[WAIT_REASONS][HISTOGRAM_SLOTS];
	u64 padding_line[4]; /* rows begin on a cache line */
};

_Static_assert(sizeof(struct sched_stats) % 64 == 0, "rows begin on a cache line");

enum switch_kind {
	SWITCH_INVOLUNTARY = 0,
	SWITCH_VOLUNTARY = 1,
};

/* The buckets of the blocked times, in an array of their own: the first thing to go when memory is tight. */
struct sched_off_cpu {
	u32 blocks[BLOCK_KINDS][HISTOGRAM_SLOTS];
	u64 padding_line[6];
};

_Static_assert(sizeof(struct sched_off_cpu) % 64 == 0, "rows begin on a cache line");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* rows per CPU group * max_slots, set before load */
	__type(key, u32);
	__type(value, struct sched_stats);
} sched_stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* as sched_stats, or 1 without off_cpu */
	__type(key, u32);
	__type(value, struct sched_off_cpu);
} sched_off_cpu SEC(".maps");

const volatile u32 row_shift = 0;
const volatile bool off_cpu = true;

/* Ascending; what is not asked for is longer than any wait. */
const volatile u64 deadline0 = ~0ULL;
const volatile u64 deadline1 = ~0ULL;
const volatile u64 deadline2 = ~0ULL;
const volatile u64 deadline3 = ~0ULL;
const volatile u64 deadline4 = ~0ULL;
const volatile u64 deadline5 = ~0ULL;
const volatile u64 deadline6 = ~0ULL;
const volatile u64 deadline7 = ~0ULL;

#define ADD(counter, more)                                        \
	do {                                                      \
		if (row_shift)                                    \
			__sync_fetch_and_add(&(counter), (more)); \
		else                                              \
			(counter) += (more);                      \
	} while (0)

static __always_inline u32 sched_row(u32 cpu, u32 slot)
{
	return (cpu >> row_shift) * max_slots + slot;
}

static __noinline void count_misses(struct sched_stats *s, u64 nanos)
{
	if (!s)
		return;
	ADD(s->misses[0], 1);
	if (nanos <= deadline1)
		return;
	ADD(s->misses[1], 1);
	if (nanos <= deadline2)
		return;
	ADD(s->misses[2], 1);
	if (nanos <= deadline3)
		return;
	ADD(s->misses[3], 1);
	if (nanos <= deadline4)
		return;
	ADD(s->misses[4], 1);
	if (nanos <= deadline5)
		return;
	ADD(s->misses[5], 1);
	if (nanos <= deadline6)
		return;
	ADD(s->misses[6], 1);
	if (nanos > deadline7)
		ADD(s->misses[7], 1);
}

/* A wait for the CPU has ended. Exact nanoseconds are compared with the deadlines, not buckets. */
static __always_inline void count_wait(struct sched_stats *s, u32 reason, u64 nanos)
{
	u32 bucket = histogram_slot(nanos);

	if (reason == WAIT_WAKEUP) {
		ADD(s->wait_ns[WAIT_WAKEUP], nanos);
		ADD(s->waits[WAIT_WAKEUP][bucket], 1);
	} else if (reason == WAIT_PREEMPTED) {
		ADD(s->wait_ns[WAIT_PREEMPTED], nanos);
		ADD(s->waits[WAIT_PREEMPTED][bucket], 1);
	} else {
		ADD(s->wait_ns[WAIT_THROTTLED], nanos);
		ADD(s->waits[WAIT_THROTTLED][bucket], 1);
	}
	if (__builtin_expect(nanos > deadline0, 0))
		count_misses(s, nanos);
}

/* A task is awake again that had given up its CPU. */
static __always_inline void count_block(struct sched_stats *s, u32 row, u32 kind, u64 nanos)
{
	struct sched_off_cpu *o = bpf_map_lookup_elem(&sched_off_cpu, &row);
	u32 bucket = histogram_slot(nanos);

	if (!o)
		return;
	if (kind == BLOCK_SLEEP) {
		ADD(s->off_cpu_ns[BLOCK_SLEEP], nanos);
		ADD(o->blocks[BLOCK_SLEEP][bucket], 1);
	} else {
		ADD(s->off_cpu_ns[BLOCK_IO], nanos);
		ADD(o->blocks[BLOCK_IO][bucket], 1);
	}
}
