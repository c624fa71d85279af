/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Scheduler: how long tasks wait for a CPU and why, how long they run, how long they are blocked, and who took the CPU.
 *
 * A wait begins when a task becomes runnable (wake-up, or taken off the CPU while it could still run) and ends when
 * it gets a CPU. It belongs to the workload of the task that waited, whatever ran meanwhile. The clock is
 * CLOCK_MONOTONIC on both ends. That is libbpf-tools runqlat's definition; /proc/P/schedstat's is rq_clock's, which
 * stands still while a CPU wakes from idle: the two agree where waits are long against a wake-up.
 *
 * A wake-up only writes down the time. All is counted at the switch to the task, where its row is at hand.
 */
#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "long_waits.h"
#include "loss.h"
#include "neighbours.h"
#include "sched_stats.h"
#include "task_records.h"
#include "throttling.h"
#include "workloads.h"

/* GET of a field whose width depends on the kernel: as many bytes as this kernel's has. */
#define GET_SIZED(task, field) (typed ? (task)->field : BPF_CORE_READ_BITFIELD_PROBED(task, field))

/*
 * A wake-up. A task that is on a CPU does not wait: it was woken between setting its state and giving up the CPU. One
 * that already waits goes on waiting: it was preempted between the two.
 */
static __always_inline struct task_record *handle_wakeup(struct task_struct *task, const bool typed)
{
	struct task_record *r;

	if (GET_SIZED(task, on_cpu))
		return NULL;
	r = record_of(task, GET(task, pid));
	if (r && !r->queued_at) {
		r->queued_at = bpf_ktime_get_ns();
		r->reason = queue_is_throttled(task, typed) ? WAIT_THROTTLED : WAIT_WAKEUP;
		r->is_charged = 0;
		note_throttled_time(task, r, typed);
	}
	return r;
}

/* A new task's first wake-up: the kernel counts its switches and moves from zero, and so does the record. */
static __always_inline void handle_new(struct task_struct *task, const bool typed)
{
	struct task_record *r;

	begin_near(GET(task, pid));
	r = handle_wakeup(task, typed);
	if (r)
		r->counted = 1;
}

/* The state is read from the task: what the tracepoint says of a task with a pending signal is not what became true. */
static __always_inline bool is_runnable(struct task_struct *task, const bool typed)
{
	if (bpf_core_field_exists(task->__state))
		return GET(task, __state) == TASK_RUNNING;
	return GET((struct task_struct___before_5_14 *)task, state) == TASK_RUNNING;
}

static __always_inline bool is_in_iowait(struct task_struct *task, const bool typed)
{
	return typed ? BPF_CORE_READ_BITFIELD(task, in_iowait)
		     : BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait);
}

/* Takes the kernel's counts of a task that was there before the agent. */
static __always_inline int first_look(struct task_struct *task, struct task_record *r,
				      const bool typed)
{
	r->voluntary = GET(task, nvcsw);
	r->involuntary = GET(task, nivcsw);
	r->migrations = GET(task, se.nr_migrations);
	r->counted = 1;
	return 0;
}

/* Cold, once per task: not inlined. A function for each kind of pointer, here and below. */
static __noinline int first_look_typed(struct task_struct *task, struct task_record *r)
{
	return first_look(task, r, true);
}

static __noinline int first_look_probed(struct task_struct *task, struct task_record *r)
{
	return first_look(task, r, false);
}

#define FIRST_LOOK(task, r) (typed ? first_look_typed(task, r) : first_look_probed(task, r))

/*
 * A task gives up its CPU: counts the switch as the kernel does (its own counts have just been raised, and what they
 * rose by includes switches that were not traced), and writes down what begins now.
 */
static __always_inline void leave_cpu(struct sched_stats *s, struct task_record *r,
				      struct task_struct *prev, bool runnable, u64 now,
				      const bool typed)
{
	u32 voluntary = GET(prev, nvcsw);
	u32 involuntary = GET(prev, nivcsw);

	if (__builtin_expect(!r->counted, 0)) {
		FIRST_LOOK(prev, r);
	} else if (s) {
		ADD(s->switches[SWITCH_VOLUNTARY], voluntary - r->voluntary);
		ADD(s->switches[SWITCH_INVOLUNTARY], involuntary - r->involuntary);
	}
	r->voluntary = voluntary;
	r->involuntary = involuntary;
	if (runnable) {
		r->queued_at = now;
		r->blocked_at = 0;
		r->is_charged = 0;
		r->reason = was_throttled(prev, typed) ? WAIT_THROTTLED : WAIT_PREEMPTED;
		note_throttled_time(prev, r, typed);
	} else {
		r->queued_at = 0;
		r->blocked_at = now;
		r->kind = is_in_iowait(prev, typed) ? BLOCK_IO : BLOCK_SLEEP;
	}
}

static __always_inline void charge_wait(u32 cpu, struct task_record *r, u64 now)
{
	if (find_neighbours && r->reason == WAIT_PREEMPTED)
		charge_neighbours(cpu, r->slot, r->is_charged ? r->charged_to : r->queued_at, now);
}

/* Counts the wait that ended now, and the blocked time before it. */
static __always_inline void count_run(struct sched_stats *s, u32 row, struct task_record *r,
				      u64 now)
{
	u64 queued_at = r->queued_at;

	if (now > queued_at)
		count_wait(s, r->reason, now - queued_at);
	if (off_cpu && r->blocked_at && queued_at > r->blocked_at)
		count_block(s, row, r->kind, queued_at - r->blocked_at);
}

/*
 * A task runs whose wake-up was not traced (guests that hide their init): its wait, a part of what counts as blocked, is
 * not known.
 */
static __always_inline void count_untold_block(struct sched_stats *s, u32 row,
					       struct task_record *r, u64 now)
{
	if (off_cpu && now > r->blocked_at)
		count_block(s, row, r->kind, now - r->blocked_at);
}

static __noinline int count_untold_wakeup(struct sched_stats *s, u32 row, struct task_record *r,
					  u64 now)
{
	if (!s || !r)
		return 0;
	COUNT_LOSS(missed_switch);
	count_untold_block(s, row, r, now);
	return 0;
}

/* A task got this CPU. */
static __always_inline void enter_cpu(void *ctx, u32 cpu, u32 slot, struct task_record *r,
				      struct task_struct *next, u64 now, const bool typed)
{
	u32 row = sched_row(cpu, slot);
	struct sched_stats *s = bpf_map_lookup_elem(&sched_stats, &row);
	u32 migrations = GET(next, se.nr_migrations);

	if (!s)
		return;
	if (__builtin_expect(!r->counted, 0)) {
		FIRST_LOOK(next, r);
	} else if (migrations != r->migrations) {
		ADD(s->migrations,
		    1); /* as perf counts: at the next turn, however often it moved till then */
		r->migrations = migrations;
	}
	/* 0: it was waiting before the agent came, since when is not known */
	if (r->queued_at) {
		reconsider_throttled(next, r, now, typed);
		count_run(s, row, r, now);
		if (now > r->queued_at) {
			charge_wait(cpu, r, now);
			if (__builtin_expect(now - r->queued_at > long_wait_ns, 0))
				tell_long_wait(ctx, s, r, now);
		}
	}
	if (__builtin_expect(r->blocked_at && !r->queued_at, 0))
		count_untold_wakeup(s, row, r, now);
	r->queued_at = 0;
	r->blocked_at = 0;
}

/* When a task that leaves its CPU got it, by the scheduler's own books: for what sched_switch did not tell. */
static __always_inline u64 got_cpu_at(struct task_struct *task, u64 now, const bool typed)
{
	return now - (GET(task, se.sum_exec_runtime) - GET(task, se.prev_sum_exec_runtime));
}

static __always_inline void count_on_cpu(u32 cpu, u32 slot, u64 nanos)
{
	u32 row = sched_row(cpu, slot);
	struct sched_stats *s = bpf_map_lookup_elem(&sched_stats, &row);

	if (s)
		ADD(s->on_cpu_ns, nanos);
}

/*
 * Another task leaves this CPU than the one that was seen to get it: the switch between the two was not traced. Seen on
 * guests whose init hides its own switches, about three a second. Without this, the wait of the task after it would
 * be lost and its CPU time charged to the hidden one.
 */
static __always_inline int make_up_for_missed_switch(void *ctx, struct cpu_state *c,
						     struct task_struct *prev, u32 prev_pid,
						     u64 now, const bool typed)
{
	u64 cgroups = css_set_of(prev, typed);
	u32 cpu = bpf_get_smp_processor_id();
	u64 start = got_cpu_at(prev, now, typed);
	struct task_record *r;

	if (!c)
		return 0;
	COUNT_LOSS(missed_switch);
	if (start > now) /* only tasks of the fair class keep such books */
		start = now;
	r = prev_pid ? record_of(prev, prev_pid) : NULL;
	if (r) {
		u32 row = sched_row(cpu, task_slot(prev, r, cgroups, typed));
		struct sched_stats *s = bpf_map_lookup_elem(&sched_stats, &row);

		if (s && r->queued_at) {
			/* the scheduler's clock lags behind: a short wait may seem to end before it began */
			u64 end = start > r->queued_at ? start : r->queued_at + 1;

			count_run(s, row, r, end);
			charge_wait(cpu, r, end);
			if (end - r->queued_at > long_wait_ns)
				tell_long_wait(ctx, s, r, end);
		} else if (s && r->blocked_at) {
			/* an interrupt that nobody was told of woke it: nor was the switch that followed */
			count_untold_block(s, row, r, start);
		}
		r->queued_at = 0;
		r->blocked_at = 0;
	}
	if (start < c->since) /* sched_flush already found the task that runs */
		return 0;
	if (c->slot != SLOT_NONE)
		count_on_cpu(cpu, c->slot, start - c->since);
	c->slot = r ? r->slot : SLOT_NONE;
	c->since = start;
	begin_interval(c, c->slot, start);
	return 0;
}

static __noinline int make_up_typed(void *ctx, struct cpu_state *c, struct task_struct *prev,
				    u32 prev_pid, u64 now)
{
	return make_up_for_missed_switch(ctx, c, prev, prev_pid, now, true);
}

static __noinline int make_up_probed(void *ctx, struct cpu_state *c, struct task_struct *prev,
				     u32 prev_pid, u64 now)
{
	return make_up_for_missed_switch(ctx, c, prev, prev_pid, now, false);
}

static __always_inline void handle_switch(void *ctx, bool preempt, struct task_struct *prev,
					  struct task_struct *next, const bool typed)
{
	u64 now = bpf_ktime_get_ns();
	u32 cpu = bpf_get_smp_processor_id();
	u32 prev_pid = GET(prev, pid);
	u32 next_pid = GET(next, pid);
	u64 cgroups = css_set_of(next, typed);
	struct cpu_state *c = bpf_map_lookup_elem(&cpu_states, &cpu);
	struct task_record *r;
	u32 slot = SLOT_NONE;

	if (!c)
		return;
	if (__builtin_expect(c->pid != prev_pid && c->since, 0)) {
		if (typed)
			make_up_typed(ctx, c, prev, prev_pid, now);
		else
			make_up_probed(ctx, c, prev, prev_pid, now);
	}
	if (prev_pid) {
		struct sched_stats *s = NULL;

		if (c->since && c->slot != SLOT_NONE) {
			u32 row = sched_row(cpu, c->slot);

			s = bpf_map_lookup_elem(&sched_stats, &row);
			if (s)
				ADD(s->on_cpu_ns, now - c->since);
		}
		r = record_of(prev, prev_pid);
		/* preempt alone is not enough: most involuntary switches have it false, with the task still runnable */
		if (r)
			leave_cpu(s, r, prev, preempt || is_runnable(prev, typed), now, typed);
	}
	if (next_pid) {
		r = record_of(next, next_pid);
		if (r) {
			slot = task_slot(next, r, cgroups, typed);
			enter_cpu(ctx, cpu, slot, r, next, now, typed);
		}
	}
	if (slot != c->slot || !c->since)
		begin_interval(c, slot, now);
	c->slot = slot;
	c->pid = next_pid;
	c->since = now;
}

/*
 * A task is about to move to another CPU. If it waits, the wait goes on there, among other neighbours: those of the old
 * CPU are charged now, while its queue is locked.
 */
static __always_inline void handle_migrate(struct task_struct *task, const bool typed)
{
	struct task_record *r;
	u64 now;
	u32 cpu;

	if (!GET_SIZED(task, on_rq)) /* a wake-up looks for a CPU: the wait has not begun */
		return;
	r = record_if_any(task, GET(task, pid));
	if (!r || !r->queued_at)
		return;
	if (bpf_core_field_exists(task->thread_info.cpu))
		cpu = GET(task, thread_info.cpu);
	else
		cpu = GET((struct task_struct___before_5_16 *)task, cpu);
	now = bpf_ktime_get_ns();
	charge_wait(cpu, r, now);
	r->charged_to = now;
	r->is_charged = 1;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(sched_wakeup_btf, struct task_struct *task)
{
	handle_wakeup(task, true);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(sched_wakeup_new_btf, struct task_struct *task)
{
	handle_new(task, true);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch_btf, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	handle_switch(ctx, preempt, prev, next, true);
	return 0;
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(sched_migrate_btf, struct task_struct *task)
{
	handle_migrate(task, true);
	return 0;
}

SEC("raw_tp/sched_wakeup")
int BPF_PROG(sched_wakeup_raw, struct task_struct *task)
{
	handle_wakeup(task, false);
	return 0;
}

SEC("raw_tp/sched_wakeup_new")
int BPF_PROG(sched_wakeup_new_raw, struct task_struct *task)
{
	handle_new(task, false);
	return 0;
}

SEC("raw_tp/sched_switch")
int BPF_PROG(sched_switch_raw, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	handle_switch(ctx, preempt, prev, next, false);
	return 0;
}

SEC("raw_tp/sched_migrate_task")
int BPF_PROG(sched_migrate_raw, struct task_struct *task)
{
	handle_migrate(task, false);
	return 0;
}

/* The places of tasks that ended are for others. After the task's last switch. */
SEC("tp_btf/sched_process_free")
int BPF_PROG(sched_free_btf, struct task_struct *task)
{
	give_near_back(task->pid);
	return 0;
}

/* A hash by pid must forget the pids of tasks that ended; task storage goes with the task. */
SEC("raw_tp/sched_process_free")
int BPF_PROG(sched_free_raw, struct task_struct *task)
{
	u32 pid = BPF_CORE_READ(task, pid);

	bpf_map_delete_elem(&task_records_by_pid, &pid);
	return 0;
}

/*
 * Closes the open interval of this CPU, so that a task that never gives up the CPU is seen running at every snapshot.
 * The agent runs it on each busy CPU through BPF_PROG_TEST_RUN: the kernel calls it in an interrupt there, and
 * sched_switch runs with interrupts off, so that neither sees the other half done.
 */
SEC("raw_tp")
int sched_flush(void *ctx)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct cpu_state *c = bpf_map_lookup_elem(&cpu_states, &cpu);
	u64 now = bpf_ktime_get_ns();

	if (!c || !c->since || now < c->since)
		return 0;
	if ((u32)bpf_get_current_pid_tgid()) {
		/* its workload now, not at switch-in: a runtime moves a container's first process while it runs */
		u32 slot = slot_of(current_typed_workload_key());

		if (slot != c->slot)
			begin_interval(c, slot, c->since);
		c->slot = slot;
		count_on_cpu(cpu, slot, now - c->since);
	}
	c->since = now;
	return 0;
}

/*
 * Plain tracepoints know pids only, and the task that is switched to cannot be looked up by pid: its wait is kept in
 * the record and counted when the task leaves the CPU, since then it is the current task.
 *
 * Nor do they say whether the task that is woken is on a CPU already (it was woken between setting its state and giving
 * up the CPU, and does not wait). One that was seen to get a CPU is; what else slips in is taken back when it leaves.
 */
static __always_inline struct task_record *wake_pid(u32 pid)
{
	struct task_record *r = record_by_pid(pid);

	if (!r) {
		COUNT_LOSS(storage);
	} else if (!r->queued_at && !r->ran_at) {
		r->queued_at = bpf_ktime_get_ns();
		r->reason = WAIT_WAKEUP;
		r->is_charged = 0;
	}
	return r;
}

SEC("tracepoint/sched/sched_wakeup")
int sched_wakeup_tp(struct trace_event_raw_sched_wakeup_template *ctx)
{
	wake_pid(BPF_CORE_READ(ctx, pid));
	return 0;
}

SEC("tracepoint/sched/sched_wakeup_new")
int sched_wakeup_new_tp(struct trace_event_raw_sched_wakeup_template *ctx)
{
	struct task_record *r = wake_pid(BPF_CORE_READ(ctx, pid));

	if (r)
		r->counted = 1;
	return 0;
}

/* The kernel's mark of a task that was preempted, whatever its state: TASK_REPORT_MAX. */
#define REPORTED_PREEMPTED 0x100

/* The current task leaves its CPU: its wait before is counted, and whose it was is known now. */
static __always_inline void leave_current(struct cpu_state *c, u32 cpu, u32 pid, long state,
					  u64 now)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_record *r = record_by_pid(pid);
	struct sched_stats *s;
	u32 slot, row;

	if (!r) {
		COUNT_LOSS(storage);
		return;
	}
	slot = task_slot(task, r, css_set_of(task, false), false);
	row = sched_row(cpu, slot);
	s = bpf_map_lookup_elem(&sched_stats, &row);
	if (!s)
		return;
	if (c->since && c->pid != pid) {
		u64 start = got_cpu_at(task, now, false);

		COUNT_LOSS(missed_switch);
		if (start > c->since && start <= now)
			c->since = start;
		if (r->queued_at)
			r->ran_at = start > r->queued_at ? start : r->queued_at + 1;
		begin_interval(c, slot, c->since);
	}
	if (c->since)
		ADD(s->on_cpu_ns, now - c->since);
	c->ring[c->newest & (INTERVALS - 1)].slot = slot;
	if (r->counted) {
		u32 migrations = BPF_CORE_READ(task, se.nr_migrations);

		if (migrations != r->migrations)
			ADD(s->migrations, 1);
		r->migrations = migrations;
	}
	if (r->queued_at && r->ran_at)
		count_run(s, row, r, r->ran_at);
	r->ran_at = 0;
	leave_cpu(s, r, task, state == TASK_RUNNING || state & REPORTED_PREEMPTED, now, false);
}

/* A task gets the CPU of which only the pid is known: who ran meanwhile must be charged now, while it stands in the ring. */
static __always_inline void enter_pid(void *ctx, struct cpu_state *c, u32 cpu, u32 pid, u64 now)
{
	struct task_record *r = record_by_pid(pid);
	u32 slot = SLOT_OTHER;

	if (!r) {
		COUNT_LOSS(storage);
	} else {
		r->ran_at = now;
		if (r->cgroups) {
			u32 row = sched_row(cpu, r->slot);
			struct sched_stats *s = bpf_map_lookup_elem(&sched_stats, &row);

			slot = r->slot;
			if (r->queued_at && now > r->queued_at) {
				charge_wait(cpu, r, now);
				if (now - r->queued_at > long_wait_ns)
					tell_long_wait(ctx, s, r, now);
			}
		}
	}
	begin_interval(c, slot, now);
}

SEC("tracepoint/sched/sched_switch")
int sched_switch_tp(struct trace_event_raw_sched_switch *ctx)
{
	u64 now = bpf_ktime_get_ns();
	u32 cpu = bpf_get_smp_processor_id();
	struct cpu_state *c = bpf_map_lookup_elem(&cpu_states, &cpu);
	u32 prev_pid = BPF_CORE_READ(ctx, prev_pid);
	u32 next_pid = BPF_CORE_READ(ctx, next_pid);

	if (!c)
		return 0;
	if (prev_pid)
		leave_current(c, cpu, prev_pid, BPF_CORE_READ(ctx, prev_state), now);
	if (next_pid)
		enter_pid(ctx, c, cpu, next_pid, now);
	else
		begin_interval(c, SLOT_NONE, now);
	c->slot = SLOT_NONE; /* sched_flush looks at the current task itself */
	c->pid = next_pid;
	c->since = now;
	return 0;
}

SEC("tracepoint/sched/sched_migrate_task")
int sched_migrate_tp(struct trace_event_raw_sched_migrate_task *ctx)
{
	u32 pid = BPF_CORE_READ(ctx, pid);
	u32 cpu = BPF_CORE_READ(ctx, orig_cpu);
	struct task_record *r = bpf_map_lookup_elem(&task_records_by_pid, &pid);

	if (r && r->queued_at && !r->ran_at) {
		u64 now = bpf_ktime_get_ns();

		charge_wait(cpu, r, now);
		r->charged_to = now;
		r->is_charged = 1;
	}
	return 0;
}

SEC("tracepoint/sched/sched_process_free")
int sched_free_tp(struct trace_event_raw_sched_process_template *ctx)
{
	u32 pid = BPF_CORE_READ(ctx, pid);

	bpf_map_delete_elem(&task_records_by_pid, &pid);
	return 0;
}

SEC("license")
char LICENSE[] = "Dual BSD/GPL";
