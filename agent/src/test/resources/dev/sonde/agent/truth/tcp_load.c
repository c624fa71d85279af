// SPDX-License-Identifier: Apache-2.0
// Load of a known size on TCP. Says "ok NUMBER" on its output when a step is done.
//
//   tcp_load serve ADDRESS HOW [PORT]   ok PORT; echoes what it reads. HOW: client (the client closes
//                                       first), server (closes after its answer), leak (never closes)
//                                       For each line that it reads: ok CONNECTIONS, those accepted
//                                       so far. Others may listen on PORT, too (SO_REUSEPORT)
//   tcp_load visit ADDRESS PORT HOW PER_SECOND SECONDS
//                                       connect, a byte each way, close; ok CONNECTIONS
//   tcp_load reuse ADDRESS PORT SOCKETS PER_SECOND SECONDS
//                                       the same bytes over connections that stay; ok MESSAGES
//   tcp_load hold ADDRESS PORT SOCKETS ADDRESSES ENDED
//                                       connects to ADDRESS and those after it in turn, keeps all,
//                                       and sends its end on ENDED of them; ok SOCKETS, then waits
//                                       to be killed
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "tcp_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void done(long number)
{
	printf("ok %ld\n", number);
	fflush(stdout);
}

// As many descriptors as this process may have.
static void many_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit");
}

static struct sockaddr_in at(const char *address, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		die(address);
	return to;
}

static void serve(const char *address, const char *how, int port)
{
	struct sockaddr_in to = at(address, port);
	socklen_t size = sizeof(to);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), epoll = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN }, events[256];
	int i, fd, n, one = 1;
	long accepted = 0;
	char bytes[4096];

	if (setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) || bind(listener, (struct sockaddr *)&to, size) || listen(listener, 4096) ||
	    getsockname(listener, (struct sockaddr *)&to, &size))
		die("listen");
	e.data.fd = listener;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e))
		die("epoll_ctl");
	e.data.fd = STDIN_FILENO;
	epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e); // fails where it is a file
	done(ntohs(to.sin_port));
	for (;;) {
		int ready = epoll_wait(epoll, events, 256, -1);

		for (i = 0; i < ready; i++) {
			fd = events[i].data.fd;
			if (fd == listener) {
				while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
					accepted++;
					e.data.fd = fd;
					if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e))
						die("epoll_ctl");
				}
				if (errno != EAGAIN && errno != ECONNABORTED)
					die("accept");
				continue;
			}
			n = read(fd, bytes, sizeof(bytes));
			if (fd == STDIN_FILENO) {
				if (n <= 0)
					epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
				else
					done(accepted);
				continue;
			}
			if (n > 0 && write(fd, bytes, n) != n)
				die("write");
			if (n <= 0 && how[0] == 'l')
				epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL); // and forgets to close it
			else if (n <= 0 || how[0] == 's')
				close(fd);
		}
	}
}

static void pace(struct timespec *next, long per_second)
{
	next->tv_nsec += 1000000000L / per_second;
	if (next->tv_nsec >= 1000000000L) {
		next->tv_nsec -= 1000000000L;
		next->tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static int connected(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		die("connect");
	return fd;
}

static void message(int fd)
{
	char byte = 'x';

	if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
		die("message");
}

static void visit(struct sockaddr_in to, const char *how, long per_second, long seconds)
{
	struct timespec next;
	char byte;
	long i;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (i = 0; i < per_second * seconds; i++) {
		int fd = connected(&to);

		message(fd);
		if (how[0] == 's' && read(fd, &byte, 1) != 0)
			die("end");
		close(fd);
		pace(&next, per_second);
	}
	done(i);
}

static void reuse(struct sockaddr_in to, long sockets, long per_second, long seconds)
{
	int *fds = calloc(sockets, sizeof(*fds));
	struct timespec next;
	long i;

	for (i = 0; i < sockets; i++)
		fds[i] = connected(&to);
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (i = 0; i < per_second * seconds; i++) {
		message(fds[i % sockets]);
		pace(&next, per_second);
	}
	done(i);
}

static void hold(struct sockaddr_in to, long sockets, long addresses, long ended)
{
	in_addr_t first = ntohl(to.sin_addr.s_addr);
	long i;

	for (i = 0; i < sockets; i++) {
		int fd;

		to.sin_addr.s_addr = htonl(first + i % addresses);
		fd = connected(&to);
		if (i < ended && shutdown(fd, SHUT_WR))
			die("shutdown");
	}
	done(i);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	many_descriptors();
	if ((argc == 4 || argc == 5) && !strcmp(argv[1], "serve"))
		serve(argv[2], argv[3], argc == 5 ? atoi(argv[4]) : 0);
	else if (argc == 7 && !strcmp(argv[1], "visit"))
		visit(at(argv[2], atoi(argv[3])), argv[4], atol(argv[5]), atol(argv[6]));
	else if (argc == 7 && !strcmp(argv[1], "reuse"))
		reuse(at(argv[2], atoi(argv[3])), atol(argv[4]), atol(argv[5]), atol(argv[6]));
	else if (argc == 7 && !strcmp(argv[1], "hold"))
		hold(at(argv[2], atoi(argv[3])), atol(argv[4]), atol(argv[5]), atol(argv[6]));
	else
		die("arguments");
	return 0;
}
