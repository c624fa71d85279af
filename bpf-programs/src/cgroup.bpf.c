/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cgroups that are made and removed, told at once: the agent knows a container's cgroup by id and path before anything
 * runs in it, and can name what it did also if it is gone before anybody asks.
 *
 * The tracepoints fire for every hierarchy; only the one by whose ids this host counts is of interest.
 */
#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "events.h"

/* Longer than any path seen (325 bytes: a pod of a nested kubelet under systemd); longer ones are told without. */
#define CGROUP_PATH_SIZE 512

/* The number before the first colon in /proc/P/cgroup; 0 is v2. */
const volatile u32 cgroup_hierarchy = 0;

struct cgroup_event {
	u32 kind;
	u32 removed; /* 0: made */
	u64 cgroup_id;
	u32 path_size; /* its closing zero included; CGROUP_PATH_SIZE: cut short */
	u32 padding;
	char path[CGROUP_PATH_SIZE];
};

/*
 * Too large for a stack. Nobody else writes it meanwhile: the kernel calls these tracepoints with interrupts off and a
 * lock of its own held (TRACE_CGROUP_PATH).
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cgroup_event);
} cgroup_scratch SEC(".maps");

/* A function of its own, so that its parameter's type gets into the BTF that the Java view is generated from. */
static __noinline void send_cgroup_event(void *ctx, struct cgroup_event *e)
{
	send_event(ctx, e, sizeof(*e));
}

static __always_inline void report(void *ctx, u32 hierarchy, u64 id, const void *path, u32 removed)
{
	u32 zero = 0;
	struct cgroup_event *e;
	long size;

	if (hierarchy != cgroup_hierarchy)
		return;
	e = bpf_map_lookup_elem(&cgroup_scratch, &zero);
	if (!e)
		return;
	e->kind = EVENT_CGROUP;
	e->removed = removed;
	e->cgroup_id = id;
	size = bpf_probe_read_kernel_str(e->path, sizeof(e->path), path);
	e->path_size = size < 0 ? 0 : size;
	send_cgroup_event(ctx, e);
}

static __always_inline void report_cgroup(void *ctx, struct cgroup *cgroup, const char *path,
					  u32 removed)
{
	report(ctx, BPF_CORE_READ(cgroup, root, hierarchy_id), BPF_CORE_READ(cgroup, kn, id), path,
	       removed);
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_mkdir_btf, struct cgroup *cgroup, const char *path)
{
	report_cgroup(ctx, cgroup, path, 0);
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_rmdir_btf, struct cgroup *cgroup, const char *path)
{
	report_cgroup(ctx, cgroup, path, 1);
	return 0;
}

SEC("raw_tp/cgroup_mkdir")
int BPF_PROG(cgroup_mkdir_raw, struct cgroup *cgroup, const char *path)
{
	report_cgroup(ctx, cgroup, path, 0);
	return 0;
}

SEC("raw_tp/cgroup_rmdir")
int BPF_PROG(cgroup_rmdir_raw, struct cgroup *cgroup, const char *path)
{
	report_cgroup(ctx, cgroup, path, 1);
	return 0;
}

static __always_inline void report_record(struct trace_event_raw_cgroup *ctx, u32 removed)
{
	u32 where = BPF_CORE_READ(ctx, __data_loc_path) & 0xffff;

	report(ctx, BPF_CORE_READ(ctx, root), BPF_CORE_READ(ctx, id), (void *)ctx + where, removed);
}

SEC("tracepoint/cgroup/cgroup_mkdir")
int cgroup_mkdir_tp(struct trace_event_raw_cgroup *ctx)
{
	report_record(ctx, 0);
	return 0;
}

SEC("tracepoint/cgroup/cgroup_rmdir")
int cgroup_rmdir_tp(struct trace_event_raw_cgroup *ctx)
{
	report_record(ctx, 1);
	return 0;
}

SEC("license")
char LICENSE[] = "Dual BSD/GPL";
