/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sockets that there are, counted one by one: what the census by changes of state is set right by.
 *
 * A change that no program was run for is seen by nobody, and a socket that ended so would be counted for ever. So now
 * and then an iterator goes over all records and adds up what each says that it is counted as: that is the census,
 * less what is gone. It works on no locks, so that its sums are of one moment only where nothing changed meanwhile:
 * the agent looks whether that is so.
 */
#pragma once

#include "kernel.h"
#include "sockets.h"
#include <bpf/bpf_helpers.h>

struct census_row {
	u64 session; /* the pass that the counts are of */
	u32 sockets[16]; /* by enum tcp_state */
};

_Static_assert(sizeof(struct census_row) == 72, "the agent reads this layout");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* max_slots, set before load */
	__type(key, u32);
	__type(value, struct census_row);
} tcp_census SEC(".maps");

static __always_inline void count_in_census(struct socket_record *r, u64 session)
{
	u32 slot = r->counted_slot;
	u32 state = r->counted_state;
	struct census_row *row;

	if (!state)
		return;
	row = bpf_map_lookup_elem(&tcp_census, &slot);
	if (!row)
		return;
	if (row->session != session) {
		__builtin_memset(row->sockets, 0, sizeof(row->sockets));
		row->session = session;
	}
	/* in assembler, since the compiler knows of the test that the verifier forgot and would drop the mask */
	asm volatile("%[state] &= 15" : [state] "+r"(state));
	row->sockets[state]++;
}
