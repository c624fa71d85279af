// SPDX-License-Identifier: Apache-2.0
// Makes processes of one kind, one after the other, and prints what fork() and waitpid() said of them:
//
//   processes KIND COUNT RATE    ->    started ok error signal
//
// with RATE processes a second at most; 0: as fast as they come.
//
// Then it waits for a line on its standard input, so that it does not end in the middle of a comparison.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long started, ok, error, by_signal;
static pthread_barrier_t barrier;

// The thread alone, not the process.
static void end_thread(int code) { syscall(SYS_exit, code); }

static void *exit_process(void *arg) {
  exit((int)(long)arg);
}

static void *exit_after_leader(void *arg) {
  usleep(2000);
  end_thread((int)(long)arg);
  return NULL;
}

static void *exit_at_once(void *arg) {
  pthread_barrier_wait(&barrier);
  end_thread((int)(long)arg);
  return NULL;
}

static void *sleep_long(void *arg) {
  pause();
  return arg;
}

static void *exec_true(void *arg) {
  execl("/bin/true", "true", (char *)NULL);
  _exit(99);
}

static pthread_t thread(void *(*body)(void *), long arg) {
  pthread_t t;
  if (pthread_create(&t, NULL, body, (void *)arg)) _exit(98);
  return t;
}

static void child(const char *kind) {
  if (!strncmp(kind, "exit", 4)) _exit(atoi(kind + 4));
  if (!strncmp(kind, "signal", 6)) {
    int number = atoi(kind + 6);
    signal(number, SIG_DFL);
    kill(getpid(), number);
    pause();
  }
  // A thread that is not the leader ends the process.
  if (!strcmp(kind, "thread-exits")) {
    thread(sleep_long, 0);
    thread(sleep_long, 0);
    thread(exit_process, 4);
    pause();
  }
  // The leader ends first, with a code of its own: that is what the parent is told.
  if (!strcmp(kind, "leader-first")) {
    thread(exit_after_leader, 0);
    end_thread(7);
  }
  // All threads end at the same moment.
  if (!strcmp(kind, "all-at-once")) {
    pthread_barrier_init(&barrier, NULL, 8);
    for (int i = 0; i < 7; i++) thread(exit_at_once, 0);
    exit_at_once(0);
  }
  // A thread that is not the leader becomes another program; the others end.
  if (!strcmp(kind, "thread-execs")) {
    thread(sleep_long, 0);
    thread(exec_true, 0);
    pause();
  }
  if (!strcmp(kind, "killed-threads")) {
    thread(sleep_long, 0);
    thread(sleep_long, 0);
    kill(getpid(), SIGKILL);
    pause();
  }
  if (!strcmp(kind, "double-fork")) {
    if (fork() == 0) {
      setsid();
      _exit(5);
    }
    _exit(0);
  }
  if (!strcmp(kind, "vfork-exec")) {
    pid_t p = vfork();
    if (p == 0) {
      execl("/bin/false", "false", (char *)NULL);
      _exit(99);
    }
    waitpid(p, NULL, 0);
    _exit(0);
  }
  _exit(97);
}

static void count(int status) {
  if (WIFSIGNALED(status))
    by_signal++;
  else if (WEXITSTATUS(status))
    error++;
  else
    ok++;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int n = atoi(argv[2]), rate = atoi(argv[3]), status;
  struct timespec begun;
  clock_gettime(CLOCK_MONOTONIC, &begun);
  // What a child leaves behind becomes ours.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  for (int i = 0; i < n; i++) {
    if (rate) {
      long due = begun.tv_nsec + i * (1000000000L / rate);
      struct timespec at = {begun.tv_sec + due / 1000000000, due % 1000000000};
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    }
    pid_t p = fork();
    if (p < 0) return 3;
    if (p == 0) child(argv[1]);
    started++;
    while (waitpid(-1, &status, 0) > 0) count(status);
  }
  // Grandchildren that came to us were forked by the children; one that its parent waited for is not seen here.
  if (!strcmp(argv[1], "double-fork")) started += n;
  if (!strcmp(argv[1], "vfork-exec")) {
    started += n;
    error += n;
  }
  printf("%ld %ld %ld %ld\n", started, ok, error, by_signal);
  fflush(stdout);
  getchar();
  return 0;
}
