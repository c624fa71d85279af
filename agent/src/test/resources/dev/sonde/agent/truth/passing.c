// SPDX-License-Identifier: Apache-2.0
// A process that hands a TCP socket to another one, which is in another cgroup, step by step:
//
//   passing CGROUP_PROCS...       where the other process goes
//
// Reads commands and answers each with "ok NUMBER":
//   listen ADDRESS | accept | connect ADDRESS PORT
//   send N | receive N            by the first process
//   helper                        forks the other process while there is no socket to inherit
//   pass                          sends the socket to the helper over a unix socket (SCM_RIGHTS)
//   take                          the helper receives it
//   fork                          forks the other process, which inherits the socket
//   close                         the first process closes its own descriptor
//   other COMMAND                 send, receive, close by the other process
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static int tcp = -1, listener = -1;
static int orders[2], answers[2], channel[2];

static void die(const char *what)
{
	printf("failed %s: %s\n", what, strerror(errno));
	fflush(stdout);
	exit(1);
}

static struct sockaddr_in at(const char *address, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		die(address);
	return to;
}

static long send_bytes(long n)
{
	char buffer[4096] = {};
	long sent = 0;

	while (sent < n) {
		ssize_t part = write(tcp, buffer, n - sent < 4096 ? n - sent : 4096);

		if (part <= 0)
			die("write");
		sent += part;
	}
	return sent;
}

static long receive_bytes(long n)
{
	char buffer[4096];
	long received = 0;

	while (received < n) {
		ssize_t part = read(tcp, buffer, n - received < 4096 ? n - received : 4096);

		if (part <= 0)
			die("read");
		received += part;
	}
	return received;
}

static void send_socket(void)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &tcp, sizeof(int));
	if (sendmsg(channel[0], &m, 0) != 1)
		die("sendmsg");
}

static void take_socket(void)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec data = { &byte, 1 };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };

	if (recvmsg(channel[1], &m, 0) != 1 || !CMSG_FIRSTHDR(&m))
		die("recvmsg");
	memcpy(&tcp, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
}

// What either process can do; -1: not known.
static long common(const char *line)
{
	long n;

	if (sscanf(line, "send %ld", &n) == 1)
		return send_bytes(n);
	if (sscanf(line, "receive %ld", &n) == 1)
		return receive_bytes(n);
	if (!strncmp(line, "close", 5)) {
		close(tcp);
		tcp = -1;
		return 0;
	}
	return -1;
}

// The other process: joins its cgroups, then does what it is told through a pipe.
static void other(char **cgroups)
{
	char line[256];
	long result;
	ssize_t n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (; *cgroups; cgroups++) {
		int fd = open(*cgroups, O_WRONLY);

		if (fd < 0 || write(fd, "0", 1) != 1)
			die(*cgroups);
		close(fd);
	}
	result = 0;
	for (;;) {
		if (write(answers[1], &result, sizeof(result)) != sizeof(result))
			exit(1);
		n = read(orders[0], line, sizeof(line) - 1);
		if (n <= 0)
			exit(0);
		line[n] = 0;
		if (!strncmp(line, "take", 4)) {
			take_socket();
			result = 0;
		} else {
			result = common(line);
		}
	}
}

static long answer(void)
{
	long result;

	if (read(answers[0], &result, sizeof(result)) != sizeof(result))
		die("the other process");
	return result;
}

static long tell(const char *line)
{
	if (write(orders[1], line, strlen(line)) < 0)
		die("pipe");
	return answer();
}

static long start_other(char **cgroups)
{
	fflush(stdout);
	if (fork() == 0)
		other(cgroups);
	return answer();
}

static long run(const char *line, char **cgroups)
{
	struct sockaddr_in to;
	socklen_t size = sizeof(to);
	char address[64];
	int port;

	if (sscanf(line, "listen %63s", address) == 1) {
		to = at(address, 0);
		listener = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(listener, (struct sockaddr *)&to, size) || listen(listener, 16) ||
		    getsockname(listener, (struct sockaddr *)&to, &size))
			die("listen");
		return ntohs(to.sin_port);
	}
	if (!strncmp(line, "accept", 6)) {
		tcp = accept(listener, NULL, NULL);
		return tcp < 0 ? -1 : 0;
	}
	if (sscanf(line, "connect %63s %d", address, &port) == 2) {
		to = at(address, port);
		tcp = socket(AF_INET, SOCK_STREAM, 0);
		return connect(tcp, (struct sockaddr *)&to, size);
	}
	if (!strncmp(line, "helper", 6) || !strncmp(line, "fork", 4))
		return start_other(cgroups);
	if (!strncmp(line, "pass", 4)) {
		send_socket();
		return 0;
	}
	if (!strncmp(line, "take", 4))
		return tell(line);
	if (!strncmp(line, "other ", 6))
		return tell(line + 6);
	return common(line);
}

int main(int argc, char **argv)
{
	char line[256];

	signal(SIGPIPE, SIG_IGN);
	if (argc < 2 || pipe(orders) || pipe(answers) || socketpair(AF_UNIX, SOCK_STREAM, 0, channel))
		die("start");
	while (fgets(line, sizeof(line), stdin)) {
		long result = run(line, argv + 1);

		printf(result < 0 ? "failed %ld\n" : "ok %ld\n", result);
		fflush(stdout);
	}
	return 0;
}
