// SPDX-License-Identifier: Apache-2.0
// A server that takes its time: sleeps, listens, sleeps, accepts, sleeps, reads, sleeps, answers, and waits to be killed.
//
//   server OUTPUT MS MS MS MS
//
// Each step writes a line to OUTPUT, with CLOCK_MONOTONIC in nanoseconds before and after the call:
//   main T    listen BEFORE AFTER PORT    accept BEFORE AFTER    read BEFORE AFTER    send BEFORE AFTER
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

int main(int argc, char **argv) {
  long begun = now();
  if (argc != 6) return 2;
  FILE *out = fopen(argv[1], "w");
  if (!out) return 3;
  setvbuf(out, NULL, _IOLBF, 0);
  fprintf(out, "main %ld\n", begun);
  usleep(1000 * atoi(argv[2]));
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(at);
  if (bind(listener, (struct sockaddr *)&at, size)) return 4;
  long before = now();
  if (listen(listener, 8)) return 5;
  long after = now();
  getsockname(listener, (struct sockaddr *)&at, &size);
  fprintf(out, "listen %ld %ld %d\n", before, after, ntohs(at.sin_port));
  usleep(1000 * atoi(argv[3]));
  before = now();
  int client = accept(listener, NULL, NULL);
  after = now();
  if (client < 0) return 6;
  fprintf(out, "accept %ld %ld\n", before, after);
  usleep(1000 * atoi(argv[4]));
  char request[64];
  before = now();
  if (read(client, request, sizeof(request)) <= 0) return 7;
  after = now();
  fprintf(out, "read %ld %ld\n", before, after);
  usleep(1000 * atoi(argv[5]));
  before = now();
  if (write(client, "answer", 6) != 6) return 8;
  after = now();
  fprintf(out, "send %ld %ld\n", before, after);
  pause();
  return 0;
}
