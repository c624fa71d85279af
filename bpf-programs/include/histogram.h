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

/* The octave of v, floor(log2(v)); 0 for 0. BPF has no count-leading-zeros: six compares, no loop. */
static __always_inline u32 log2_u64(u64 v)
{
	u32 r = 0;

	if (v >> 32) {
		v >>= 32;
		r = 32;
	}
	if (v >> 16) {
		v >>= 16;
		r += 16;
	}
	if (v >> 8) {
		v >>= 8;
		r += 8;
	}
	if (v >> 4) {
		v >>= 4;
		r += 4;
	}
	if (v >> 2) {
		v >>= 2;
		r += 2;
	}
	return r + (v >> 1);
}

/* The slot of a duration: the first bound of its octave that is not below it, found by four compares. */
static __always_inline u32 histogram_slot(u64 nanos)
{
	const struct histogram_octave *o = &histogram_octaves[log2_u64(nanos) & 63];
	u32 slot = o->first + (nanos > o->bound[0]) + (nanos > o->bound[1]) +
		   (nanos > o->bound[2]) + (nanos > o->bound[3]);

	/* never true by construction; it is what lets the verifier see that the slot is in range */
	return slot < HISTOGRAM_SLOTS ? slot : HISTOGRAM_SLOTS - 1;
}
