// SPDX-License-Identifier: Apache-2.0
// A token that goes round N processes, each in a cgroup of its own: every hop is a wake-up and a
// switch to another workload. All on one CPU.
//
//   ring N DIRECTORY CPU     makes DIRECTORY/0 .. N-1, says "ready", then reads numbers of hops from
//                            standard input and answers each with "done"; ends and cleans up at EOF
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void need(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "ring: %s: %s\n", what, strerror(errno));
		exit(1);
	}
}

static void join(const char *directory, int i)
{
	char path[512];
	int file;

	snprintf(path, sizeof path, "%s/%d", directory, i);
	need(mkdir(path, 0755) == 0 || errno == EEXIST, path);
	snprintf(path, sizeof path, "%s/%d/cgroup.procs", directory, i);
	file = open(path, O_WRONLY);
	need(file >= 0 && write(file, "0", 1) == 1, path);
	close(file);
}

int main(int argc, char **argv)
{
	int n, first[2], in, done[2];
	cpu_set_t cpu;
	pid_t *children;
	uint64_t token;

	if (argc != 4)
		return 2;
	n = atoi(argv[1]);
	children = calloc(n, sizeof *children);
	CPU_ZERO(&cpu);
	CPU_SET(atoi(argv[3]), &cpu);
	need(sched_setaffinity(0, sizeof cpu, &cpu) == 0, "sched_setaffinity");
	need(mkdir(argv[2], 0755) == 0 || errno == EEXIST, argv[2]);
	need(pipe(first) == 0 && pipe(done) == 0, "pipe");
	in = first[0];
	for (int i = 0; i < n; i++) {
		int next[2] = { -1, first[1] };

		if (i < n - 1)
			need(pipe(next) == 0, "pipe");
		children[i] = fork();
		need(children[i] >= 0, "fork");
		if (!children[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			join(argv[2], i);
			while (read(in, &token, sizeof token) == sizeof token) {
				int out = token ? next[1] : done[1];

				token--;
				if (write(out, &token, sizeof token) != sizeof token)
					break;
			}
			_exit(0);
		}
		if (i > 0)
			close(in);
		if (i < n - 1)
			close(next[1]);
		in = next[0];
	}
	// once round, so that everybody has a slot before the first measurement
	token = n;
	need(write(first[1], &token, sizeof token) == sizeof token, "write");
	need(read(done[0], &token, sizeof token) == sizeof token, "read");
	puts("ready");
	fflush(stdout);
	for (unsigned long hops; scanf("%lu", &hops) == 1;) {
		token = hops;
		need(write(first[1], &token, sizeof token) == sizeof token, "write");
		need(read(done[0], &token, sizeof token) == sizeof token, "read");
		puts("done");
		fflush(stdout);
	}
	for (int i = 0; i < n; i++)
		kill(children[i], SIGKILL);
	for (int i = 0; i < n; i++) {
		char path[512];

		waitpid(children[i], NULL, 0);
		snprintf(path, sizeof path, "%s/%d", argv[2], i);
		for (int tries = 0; rmdir(path) && tries < 100; tries++)
			usleep(10000);
	}
	rmdir(argv[2]);
	return 0;
}
