// SPDX-License-Identifier: Apache-2.0
// Short connections over loopback, one after the other: connect, one byte each way, close.
//
//   storm COUNT [PER_SECOND]
//
// The server closes first, so that no client port waits in TIME_WAIT; a port range of its own would
// run dry after 28,000 otherwise. Prints the connections made and the CPU time of both processes.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void serve(int listener)
{
	char byte;
	int fd;

	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			die("accept");
		if (read(fd, &byte, 1) == 1 && write(fd, &byte, 1) != 1)
			die("write");
		close(fd);
	}
}

static double seconds(struct timeval t)
{
	return t.tv_sec + t.tv_usec / 1e6;
}

static double cpu(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return seconds(u.ru_utime) + seconds(u.ru_stime);
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 10000, rate = argc > 2 ? atol(argv[2]) : 0, i;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(to);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct timespec next;
	pid_t server;
	char byte = 'x';

	if (bind(listener, (struct sockaddr *)&to, size) || listen(listener, 1024) ||
	    getsockname(listener, (struct sockaddr *)&to, &size))
		die("listen");
	server = fork();
	if (server == 0)
		serve(listener);
	close(listener);
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(fd, (struct sockaddr *)&to, size))
			die("connect");
		if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
			die("exchange");
		if (read(fd, &byte, 1) != 0)
			die("end");
		close(fd);
		if (rate) {
			next.tv_nsec += 1000000000L / rate;
			if (next.tv_nsec >= 1000000000L) {
				next.tv_nsec -= 1000000000L;
				next.tv_sec++;
			}
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		}
	}
	kill(server, SIGTERM);
	wait(NULL);
	printf("%ld connections, %.6f CPU s\n", i, cpu(RUSAGE_SELF) + cpu(RUSAGE_CHILDREN));
	return 0;
}
