/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records of tasks in an array with a place for each of the last bits of a pid: one cache line, found without following a
 * pointer. Task storage is three lines one after the other, all of them cold when many tasks take turns.
 *
 * The first task that needs a place has it until it ends; another with the same bits has its record in task storage.
 * Only used beside task storage. (Within task_records.h.)
 */
#pragma once

struct near_record {
	u32 pid; /* whose record it is; 0: nobody's */
	u32 padding;
	u64 record[7]; /* a task_record without its last field */
};

_Static_assert(sizeof(struct near_record) == 64, "a cache line");
_Static_assert(offsetof(struct task_record, ran_at) == 56, "the last field is the hash's alone");

/* Mapped by nobody: an array that can be mapped begins on a page, and its elements on a cache line. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* a power of two, set before load */
	__type(key, u32);
	__type(value, struct near_record);
} near_records SEC(".maps");

/* How many tasks lay claim to a place: only who sees 1 after adding 1 has it. 5.11 has no compare and swap. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* as near_records */
	__type(key, u32);
	__type(value, u32);
} near_claims SEC(".maps");

/* The bits of a pid that choose its place; 0: there are no places. */
const volatile u32 near_mask = 0;

static __always_inline struct task_record *near_record(u32 pid)
{
	u32 place = pid & near_mask;
	struct near_record *n;

	if (!use_task_storage || !near_mask)
		return NULL;
	n = bpf_map_lookup_elem(&near_records, &place);
	return n && n->pid == pid ? (struct task_record *)n->record : NULL;
}

static __always_inline void clear_near(struct near_record *n)
{
	for (int i = 0; i < 7; i++)
		n->record[i] = 0;
}

/* Once per task that is not in its place: 1 if it has it now. */
static __noinline int claim_near(u32 pid)
{
	u32 place = pid & near_mask;
	struct near_record *n = bpf_map_lookup_elem(&near_records, &place);
	u32 *claims = bpf_map_lookup_elem(&near_claims, &place);

	if (!n || !claims || *(volatile u32 *)claims)
		return 0;
	__sync_fetch_and_add(claims, 1);
	if (*(volatile u32 *)claims !=
	    1) { /* another CPU's task at the same moment: both go elsewhere */
		__sync_fetch_and_add(claims, -1);
		return 0;
	}
	clear_near(n);
	*(volatile u32 *)&n->pid = pid;
	return 1;
}

static __always_inline struct task_record *take_near(u32 pid)
{
	return claim_near(pid) ? near_record(pid) : NULL;
}

/* A task has ended. */
static __always_inline void give_near_back(u32 pid)
{
	u32 place = pid & near_mask;
	struct near_record *n;
	u32 *claims;

	if (!near_mask)
		return;
	n = bpf_map_lookup_elem(&near_records, &place);
	claims = bpf_map_lookup_elem(&near_claims, &place);
	if (!n || !claims || n->pid != pid)
		return;
	*(volatile u32 *)&n->pid = 0;
	__sync_fetch_and_add(claims, -1);
}

/* A task begins whose pid another had: what is left of that one, should its end not have been seen. */
static __always_inline void begin_near(u32 pid)
{
	u32 place = pid & near_mask;
	struct near_record *n;

	if (!use_task_storage || !near_mask)
		return;
	n = bpf_map_lookup_elem(&near_records, &place);
	if (n && n->pid == pid)
		clear_near(n);
}
