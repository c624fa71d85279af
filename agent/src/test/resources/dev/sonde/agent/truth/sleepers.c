// SPDX-License-Identifier: Apache-2.0
// Threads that sleep for a moment, again and again, until they are killed:
//
//   sleepers COUNT MILLISECONDS    ->    a line as soon as all are there
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static useconds_t moment;

static void *sleeper(void *arg) {
  for (;;) usleep(moment);
  return arg;
}

int main(int argc, char **argv) {
  pthread_attr_t small;
  pthread_t t;
  if (argc != 3) return 2;
  moment = 1000 * atoi(argv[2]);
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  for (int i = 0; i < atoi(argv[1]); i++)
    if (pthread_create(&t, &small, sleeper, NULL)) return 3;
  puts("there");
  fflush(stdout);
  pause();
  return 0;
}
