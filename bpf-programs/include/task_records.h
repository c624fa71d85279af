/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the scheduler probe remembers of a task between two of its hooks.
 *
 * In near_records.h's array while there is room at the task's place, which is one cache line, else in task storage (5.11),
 * which is three that lead to each other, and is gone with the task. Without task storage in a hash by pid.
 */
#pragma once

#include "kernel.h"
#include "loss.h"
#include "workloads.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Why a task that could run did not. */
enum wait_reason {
	WAIT_WAKEUP = 0,
	WAIT_PREEMPTED = 1,
	WAIT_THROTTLED = 2,
	WAIT_REASONS = 3,
};

/* What a task waited for that could not run. */
enum block_kind {
	BLOCK_SLEEP = 0,
	BLOCK_IO = 1,
	BLOCK_KINDS = 2,
};

/* With a pid before it one cache line, but for the last field. */
struct task_record {
	u64 queued_at; /* since when it waits for a CPU; 0: it does not, or since when is not known */
	u64 blocked_at; /* when it gave up the CPU to wait for something else; 0: it did not */
	u64 cgroups; /* the css_set that slot was looked up for; 0: never looked up */
	union {
		u64 charged_to; /* if is_charged: the wait up to here is charged to those who ran */
		u64 throttled_ns; /* else, where whole queues are throttled: its queue's throttled time at queued_at */
	};
	u32 slot;
	u32 slot_epoch; /* when slot was looked up, if it is ~other */
	/* the kernel's own counts when they were last looked at */
	u32 voluntary;
	u32 involuntary;
	u32 migrations;
	u8 reason; /* enum wait_reason, of queued_at */
	u8 kind; /* enum block_kind, of blocked_at */
	u8 counted; /* the three counts above are set */
	u8 is_charged; /* a part of the wait is charged already */
	u64 ran_at; /* plain tracepoints, in the hash: it runs since then, and the wait before is not counted yet */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_record);
} task_records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, u32);
	__type(value, struct task_record);
} task_records_by_pid SEC(".maps");

const volatile bool use_task_storage = true;

#include "near_records.h"

static __always_inline struct task_record *record_by_pid(u32 pid)
{
	static const struct task_record fresh = {};
	struct task_record *r = bpf_map_lookup_elem(&task_records_by_pid, &pid);

	if (r)
		return r;
	bpf_map_update_elem(&task_records_by_pid, &pid, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&task_records_by_pid, &pid);
}

/* A task that has no place of its own among the near ones: it has a record already, or takes one. Cold, or out of room. */
static __always_inline struct task_record *record_elsewhere(struct task_struct *task, u32 pid)
{
	struct task_record *r;

	if (!use_task_storage)
		return record_by_pid(pid);
	/* a record that was begun here stays here, should the place among the near ones become free */
	if (near_mask) {
		r = bpf_task_storage_get(&task_records, task, NULL, 0);
		if (r)
			return r;
		r = take_near(pid);
		if (r)
			return r;
	}
	return bpf_task_storage_get(&task_records, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* The record of a task other than idle; NULL (and counted) only when memory is out. */
static __always_inline struct task_record *record_of(struct task_struct *task, u32 pid)
{
	struct task_record *r = near_record(pid);

	if (__builtin_expect(!r, 0)) {
		r = record_elsewhere(task, pid);
		if (!r)
			COUNT_LOSS(storage);
	}
	return r;
}

/* The record of a task, if it has one. */
static __always_inline struct task_record *record_if_any(struct task_struct *task, u32 pid)
{
	struct task_record *r = near_record(pid);

	if (r)
		return r;
	if (use_task_storage)
		return bpf_task_storage_get(&task_records, task, NULL, 0);
	return bpf_map_lookup_elem(&task_records_by_pid, &pid);
}

/* Looks the slot up anew: the task is new, has moved, or is in ~other while slots became free. Cold. */
static __noinline u32 find_slot(struct task_record *r, u64 cgroups, u64 cgroup_id, u32 flags)
{
	r->slot_epoch = slot_epoch_now();
	r->slot = slot_of(workload_key(cgroup_id, flags));
	r->cgroups = cgroups;
	return r->slot;
}

/* Every move of a task to another cgroup gives it another one. */
static __always_inline u64 css_set_of(struct task_struct *task, const bool typed)
{
	u64 cgroups = (u64)GET(task, cgroups);

	barrier_var(
		cgroups); /* read here and not where it is needed, which the verifier gets to in many ways */
	return cgroups;
}

/* The slot of a task's workload, remembered for as long as the task keeps its css_set. */
static __always_inline u32 task_slot(struct task_struct *task, struct task_record *r, u64 cgroups,
				     const bool typed)
{
	if (__builtin_expect(r->cgroups == cgroups, 1)) {
		u32 slot = r->slot;

		if (__builtin_expect(slot != SLOT_OTHER || r->slot_epoch == slot_epoch_now(), 1))
			return slot;
	}
	return find_slot(r, cgroups, task_cgroup_id(task, typed),
			 typed ? task->flags : BPF_CORE_READ(task, flags));
}
