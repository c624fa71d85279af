/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Exponential histograms with exactly the bounds of a Prometheus native histogram of schema 2.
 *
 * Slot 0 is the zero bucket (up to 2^-20 s), slots 1 .. HISTOGRAM_BUCKETS the buckets with index
 * HISTOGRAM_ZERO_INDEX + slot, upper bound inclusive, and the last slot holds what lies above 2^6 s.
 */
#pragma once

#include "kernel.h"
#include "histogram_bounds.h"

#define HISTOGRAM_BUCKETS (HISTOGRAM_LAST_INDEX - HISTOGRAM_ZERO_INDEX)
#define HISTOGRAM_SLOTS (HISTOGRAM_BUCKETS + 2)

/*
 * 1 if v is above bound, else 0, for values below 2^63. Arithmetic, not a comparison: BPF has none without a branch, and
 * the verifier walks everything behind a branch once for each way it can go, six branches 64 times.
 */
static __always_inline u64 is_above(u64 v, u64 bound)
{
	u64 room = bound - v;

	barrier_var(room); /* or the compiler makes a comparison of it */
	return room >> 63;
}

/* The octave of v, floor(log2(v)); 0 for 0. BPF has no count-leading-zeros. */
static __always_inline u64 log2_u64(u64 v)
{
	u64 step, r;

	step = is_above(v, 0xffffffff) << 5;
	v >>= step;
	r = step;
	step = is_above(v, 0xffff) << 4;
	v >>= step;
	r += step;
	step = is_above(v, 0xff) << 3;
	v >>= step;
	r += step;
	step = is_above(v, 0xf) << 2;
	v >>= step;
	r += step;
	step = is_above(v, 3) << 1;
	v >>= step;
	return r + step + (v >> 1);
}

/* The slot of a duration: the first bound of its octave that is not below it, found by four compares. */
static __always_inline u32 histogram_slot(u64 nanos)
{
	const struct histogram_octave *o;
	u64 slot;

	if (nanos >> 63)
		return HISTOGRAM_SLOTS - 1;
	o = &histogram_octaves[log2_u64(nanos) & 63];
	slot = o->first + is_above(nanos, o->bound[0]) + is_above(nanos, o->bound[1]) +
	       is_above(nanos, o->bound[2]) + is_above(nanos, o->bound[3]);
	/* never true by construction; it is what lets the verifier see that the slot is in range */
	return slot < HISTOGRAM_SLOTS ? slot : HISTOGRAM_SLOTS - 1;
}
