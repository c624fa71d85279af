/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a task waits because its cgroup is out of CPU quota.
 *
 * From 6.18 on the kernel stops task by task, at the return to user space, and says so in the task (e1fad12dcb66). Before, it
 * takes the whole queue of the group off the CPU, and its count tells (5.10 and later, only with CONFIG_CFS_BANDWIDTH). A task
 * that was in such a queue already when the quota ran out began its wait for another reason: it is throttled, too, if
 * more than half of the wait went by in the throttled queue, by the queue's own clock.
 */
#pragma once

#include "kernel.h"
#include "task_records.h"
#include <bpf/bpf_core_read.h>

static __always_inline bool throttles_queues(void)
{
	struct task_struct *task = NULL;
	struct cfs_rq *queue = NULL;

	return !bpf_core_field_exists(task->throttled) &&
	       bpf_core_field_exists(queue->throttle_count);
}

static __always_inline bool queue_is_throttled(struct task_struct *task, const bool typed)
{
	if (!throttles_queues())
		return false;
	return (typed ? task->se.cfs_rq->throttle_count
		      : BPF_CORE_READ(task, se.cfs_rq, throttle_count)) > 0;
}

/* For a task that has just left its CPU and could still run. */
static __always_inline bool was_throttled(struct task_struct *task, const bool typed)
{
	if (bpf_core_field_exists(task->throttled))
		return typed ? BPF_CORE_READ_BITFIELD(task, throttled)
			     : BPF_CORE_READ_BITFIELD_PROBED(task, throttled);
	return queue_is_throttled(task, typed);
}

static __always_inline u64 throttled_time(struct task_struct *task, const bool typed)
{
	struct cfs_rq *queue = GET(task, se.cfs_rq);
	struct cfs_rq___before_5_19 *old = (void *)queue;

	if (bpf_core_field_exists(queue->throttled_clock_pelt_time))
		return GET(queue, throttled_clock_pelt_time);
	if (bpf_core_field_exists(old->throttled_clock_task_time))
		return GET(old, throttled_clock_task_time);
	return 0;
}

static __always_inline void note_throttled_time(struct task_struct *task, struct task_record *r,
						const bool typed)
{
	if (throttles_queues())
		r->throttled_ns = throttled_time(task, typed);
}

/* At the end of a wait that began for another reason. One that moved to another queue has another clock: left alone. */
static __always_inline void reconsider_throttled(struct task_struct *task, struct task_record *r,
						 u64 now, const bool typed)
{
	if (throttles_queues() && r->reason != WAIT_THROTTLED && !r->is_charged &&
	    2 * (throttled_time(task, typed) - r->throttled_ns) > now - r->queued_at)
		r->reason = WAIT_THROTTLED;
}
