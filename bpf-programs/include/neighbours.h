/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Noisy neighbours: who ran on a CPU while a preempted task waited for it.
 *
 * Every CPU keeps the last intervals of who ran on it in a ring. A wait walks back through them when it ends (or when the
 * task moves to another CPU's queue), and charges each workload with the time that its interval and the wait share.
 * What is older than the ring goes to ~other: the charges of a wait always add up to the wait.
 */
#pragma once

#include "kernel.h"
#include "loss.h"
#include "workloads.h"
#include <bpf/bpf_helpers.h>

#define INTERVALS 64

/* Who ran from then on until the next interval began. */
struct interval {
	u64 start; /* 0: never used */
	u32 slot; /* SLOT_NONE: idle */
	u32 padding;
};

/* What runs on a CPU since when. */
struct cpu_state {
	u64 since; /* its time is counted up to here; 0: nothing seen yet */
	u32 slot; /* SLOT_NONE: idle */
	u32 pid; /* 0: idle */
	u32 newest; /* the interval that goes on, modulo INTERVALS */
	u32 padding;
	u64 padding_line[5];
	struct interval ring[INTERVALS];
};

_Static_assert(sizeof(struct cpu_state) % 64 == 0, "no two CPUs share a cache line");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* possible CPUs, set before load */
	__type(key, u32);
	__type(value, struct cpu_state);
} cpu_states SEC(".maps");

struct neighbour_pair {
	u32 victim; /* slots */
	u32 culprit;
};

/* Nanoseconds that the victim's preempted tasks waited while the culprit ran. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* set before load */
	__type(key, struct neighbour_pair);
	__type(value, u64);
} neighbours SEC(".maps");

/* By victim: what no pair could be charged with. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* max_slots, set before load */
	__type(key, u32);
	__type(value, u64);
} neighbours_rest SEC(".maps");

const volatile bool find_neighbours = true;

static __always_inline void begin_interval(struct cpu_state *c, u32 slot, u64 start)
{
	u32 next = (c->newest + 1) & (INTERVALS - 1);

	c->newest = next;
	c->ring[next].start = start;
	c->ring[next].slot = slot;
}

static __always_inline void charge_rest(u32 victim, u64 nanos)
{
	u64 *rest = bpf_map_lookup_elem(&neighbours_rest, &victim);

	if (rest)
		__sync_fetch_and_add(rest, nanos);
}

/* Global, so that the verifier walks it once and not at each of the intervals: what it does not inline, it does not know. */
__noinline int charge(u32 victim, u32 culprit, u64 nanos)
{
	struct neighbour_pair pair = { .victim = victim, .culprit = culprit };
	u64 *sum;

	if ((s64)nanos <= 0) /* it began after the wait had ended */
		return 0;
	sum = bpf_map_lookup_elem(&neighbours, &pair);
	if (!sum) {
		if (bpf_map_update_elem(&neighbours, &pair, &nanos, BPF_NOEXIST) == 0)
			return 0;
		sum = bpf_map_lookup_elem(&neighbours, &pair); /* another CPU was first */
	}
	if (sum)
		__sync_fetch_and_add(sum, nanos);
	else
		charge_rest(victim, nanos);
	return 0;
}

/*
 * The walks below go through INTERVALS turns, and the verifier through each of them once for every way that led there. So
 * they choose by masks; behind a barrier, since the compiler would make branches of them.
 */
static __always_inline u64 positive(s64 value)
{
	barrier_var(value);
	return value & ~(value >> 63);
}

/* How much of from..end went by since start; not above zero if nothing did. */
static __always_inline s64 shared_time(u64 start, u64 from, u64 end)
{
	return end - from - positive(start - from);
}

/*
 * Charges victim's wait from..to to those who ran on that CPU. Its queue is locked at every hook that gets here, so that
 * its ring stands still. Global, so that the verifier walks the loop once and not with everything that leads to it.
 */
__noinline int charge_neighbours(u32 cpu, u32 victim, u64 from, u64 to)
{
	struct cpu_state *c = bpf_map_lookup_elem(&cpu_states, &cpu);
	u32 newest;
	u64 end = to;

	if (!c)
		return 0;
	newest = c->newest;
	for (u32 i = 0; i < INTERVALS; i++) {
		struct interval *ran = &c->ring[(newest - i) & (INTERVALS - 1)];
		u64 start = ran->start;

		if (!start)
			break;
		charge(victim, ran->slot, shared_time(start, from, end));
		end -= positive(end - start);
		if (start <= from)
			return 0;
	}
	if (end > from)
		charge_rest(victim, end - from);
	return 0;
}

/* Who ran longest in one piece on that CPU from..to, other than idle; SLOT_NONE if nobody did. */
__noinline u32 longest_neighbour(u32 cpu, u64 from, u64 to)
{
	struct cpu_state *c = bpf_map_lookup_elem(&cpu_states, &cpu);
	u32 slot = SLOT_NONE;
	s64 longest = 0;
	u64 end = to;
	u32 newest;

	if (!c)
		return slot;
	newest = c->newest;
	for (u32 i = 0; i < INTERVALS; i++) {
		struct interval *ran = &c->ring[(newest - i) & (INTERVALS - 1)];
		u64 start = ran->start;
		s64 piece = shared_time(start, from, end);
		s64 shorter = longest - piece;
		s64 idle = (u64)ran->slot - SLOT_NONE;
		s64 better;

		if (!start)
			break;
		barrier_var(shorter);
		barrier_var(idle);
		better = (shorter & idle) >> 63; /* both below zero */
		barrier_var(better);
		longest += (piece - longest) & better;
		slot ^= (slot ^ ran->slot) & (u32)better;
		if (start <= from)
			break;
		end = start;
	}
	return slot;
}
