/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Workloads in the kernel: a cgroup id has a slot number, and every probe's counters of a workload stand at
 * [cpu * max_slots + slot] of a plain array that the agent maps into its memory.
 *
 * The first event of a cgroup takes a free slot; the agent gives slots back some time after a cgroup is gone. A slot
 * number is remembered with the task or socket it was looked up for, so that the hash is read once and not per event.
 */
#pragma once

#include "kernel.h"
#include "loss.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Where counts go whose workload has no slot of its own. */
#define SLOT_OTHER 0
#define SLOT_NONE (~0U)

/* No directory has these inode numbers. */
#define CGROUP_NOBODY 0ULL /* the owner of a free slot */
#define CGROUP_OTHER (~0ULL) /* the owner of slot 0 */
#define CGROUP_UNKNOWN (~1ULL) /* a socket whose owner was never seen */
#define CGROUP_KERNEL (~2ULL) /* kernel threads */
#define CGROUP_IDLE (~3ULL) /* nobody: the CPU was idle */
#define CGROUP_AGENT (~4ULL) /* the agent, where it shares its cgroup with others */

/* Ids of the v1 `cpu` hierarchy instead of v2: ids of different hierarchies collide, so one is chosen per host. */
const volatile bool cgroup_v1 = false;
const volatile u32 max_slots = 1;

/* The agent's process, where it has no cgroup of its own to be known by; else 0, and the test below costs nothing. */
const volatile int agent_tgid = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* max_slots, set before load */
	__type(key, u64);
	__type(value, u32);
} cgroup_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	/* max_slots, set before load; the agent fills in 1 .. max_slots - 1 */
	__uint(max_entries, 1);
	__type(value, u32);
} free_slots SEC(".maps");

/* Whose slot it is: what a socket remembers is checked against it, since sockets outlive cgroups. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* max_slots, set before load */
	__type(key, u32);
	__type(value, u64);
} slot_owners SEC(".maps");

/* Counts how often the agent gave slots back: who is in ~other looks again when it has changed. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} slot_epoch SEC(".maps");

static __always_inline u32 slot_epoch_now(void)
{
	u32 zero = 0;
	u32 *epoch = bpf_map_lookup_elem(&slot_epoch, &zero);

	return epoch ? *epoch : 0;
}

/*
 * Takes a slot for a workload that has none yet. Cold: once per workload. Global, so that the verifier walks it once and not
 * in each of the ways that lead to it.
 */
__noinline u32 take_slot(u64 cgroup_id)
{
	u32 slot = SLOT_OTHER;
	u32 *theirs;
	u64 *owner;

	if (bpf_map_pop_elem(&free_slots, &slot)) {
		COUNT_LOSS(map_full);
		return SLOT_OTHER;
	}
	/*
	 * The owner is written once the slot is the workload's for certain: the agent gives back every slot that has an
	 * owner, and one that went back here already would be handed out twice.
	 */
	if (bpf_map_update_elem(&cgroup_slots, &cgroup_id, &slot, BPF_NOEXIST) == 0) {
		owner = bpf_map_lookup_elem(&slot_owners, &slot);
		if (owner)
			*owner = cgroup_id;
		return slot;
	}
	/* another CPU was first, or the table is full: the slot goes back */
	bpf_map_push_elem(&free_slots, &slot, BPF_ANY);
	theirs = bpf_map_lookup_elem(&cgroup_slots, &cgroup_id);
	if (theirs)
		return *theirs;
	COUNT_LOSS(map_full);
	return SLOT_OTHER;
}

static __always_inline u32 slot_of(u64 cgroup_id)
{
	u32 *slot = bpf_map_lookup_elem(&cgroup_slots, &cgroup_id);

	return slot ? *slot : take_slot(cgroup_id);
}

/* A remembered slot, if it still belongs to this workload. */
static __always_inline u32 slot_again(u64 cgroup_id, u32 slot)
{
	u64 *owner = bpf_map_lookup_elem(&slot_owners, &slot);

	return owner && *owner == cgroup_id ? slot : slot_of(cgroup_id);
}

/* The workload's row of this CPU in an array of max_slots rows a CPU. */
static __always_inline u32 row_of(u32 slot)
{
	return bpf_get_smp_processor_id() * max_slots + slot;
}

/* No program may read kernel memory but by pointers whose type the verifier knows: lockdown's confidentiality mode. */
const volatile bool only_typed = false;

/* For a program that gets by without probe reads: where they are refused it lives on. */
static __always_inline u64 typed_cgroup_id(struct task_struct *task)
{
	if (agent_tgid && task->tgid == agent_tgid)
		return CGROUP_AGENT;
	if (cgroup_v1) {
		u32 cpu = bpf_core_enum_value(enum cgroup_subsys_id, cpu_cgrp_id);

		return task->cgroups->subsys[cpu]->cgroup->kn->id;
	}
	return task->cgroups->dfl_cgrp->kn->id;
}

/*
 * The workload key of a task: four pointers to follow, by probe reads where they are allowed. Typed ones are quicker (about
 * 20 ns), but all of this is cold, once per task, process or connection, and from 6.12 on the verifier searches all of
 * the kernel's types for each typed pointer that is followed: a tenth of a second at the agent's start.
 */
static __always_inline u64 task_cgroup_id(struct task_struct *task, const bool typed)
{
	if (typed && only_typed)
		return typed_cgroup_id(task);
	if (agent_tgid && BPF_CORE_READ(task, tgid) == agent_tgid)
		return CGROUP_AGENT;
	if (cgroup_v1) {
		u32 cpu = bpf_core_enum_value(enum cgroup_subsys_id, cpu_cgrp_id);
		struct cgroup_subsys_state *css = NULL;

		bpf_probe_read_kernel(&css, sizeof(css),
				      &BPF_CORE_READ(task, cgroups)->subsys[cpu]);
		return BPF_CORE_READ(css, cgroup, kn, id);
	}
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

/* Kernel threads are a workload of their own, whatever cgroup they are in. */
static __always_inline u64 workload_key(u64 cgroup_id, u32 task_flags)
{
	return task_flags & PF_KTHREAD ? CGROUP_KERNEL : cgroup_id;
}

static __always_inline u64 current_workload_key(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return workload_key(task_cgroup_id(task, false), BPF_CORE_READ(task, flags));
}

/* The same for programs that have no other probe reads. 5.11 */
static __always_inline u64 current_typed_workload_key(void)
{
	struct task_struct *task;

	if (!only_typed ||
	    !bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return current_workload_key();
	task = bpf_get_current_task_btf();
	return workload_key(typed_cgroup_id(task), task->flags);
}
