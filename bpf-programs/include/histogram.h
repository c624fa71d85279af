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

/* By the upper six bits of a product that differs for each octave: the de Bruijn sequence B(2, 6). */
static const u8 octave_of_product[64] = {
	0,  47, 1,  56, 48, 27, 2,  60, 57, 49, 41, 37, 28, 16, 3,  61, 54, 58, 35, 52, 50, 42,
	21, 44, 38, 32, 29, 23, 17, 11, 4,  62, 46, 55, 26, 59, 40, 36, 15, 53, 34, 51, 20, 43,
	31, 22, 10, 45, 25, 39, 14, 33, 19, 30, 9,  24, 13, 18, 8,  12, 7,  6,  5,  63,
};

/*
 * The octave of v, floor(log2(v)); 0 for 0. BPF has no count-leading-zeros. Without a branch, here and below: nothing is
 * mispredicted, and the verifier has one way to walk instead of hundreds.
 */
static __always_inline u32 log2_u64(u64 v)
{
	v |= v >> 1;
	v |= v >> 2;
	v |= v >> 4;
	v |= v >> 8;
	v |= v >> 16;
	v |= v >> 32;
	return octave_of_product[(v * 0x03f79d71b4cb0a89ULL) >> 58];
}

/* 1 if v is above the bound: within an octave they are less than 2^63 apart. */
static __always_inline u32 is_above(u64 v, u64 bound)
{
	return (bound - v) >> 63;
}

/* The slot of a duration: the first bound of its octave that is not below it, found by four compares. */
static __always_inline u32 histogram_slot(u64 nanos)
{
	const struct histogram_octave *o = &histogram_octaves[log2_u64(nanos) & 63];
	u32 slot = o->first + is_above(nanos, o->bound[0]) + is_above(nanos, o->bound[1]) +
		   is_above(nanos, o->bound[2]) + is_above(nanos, o->bound[3]);

	/* never true by construction; it is what lets the verifier see that the slot is in range */
	return slot < HISTOGRAM_SLOTS ? slot : HISTOGRAM_SLOTS - 1;
}
