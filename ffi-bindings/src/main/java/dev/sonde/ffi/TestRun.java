package dev.sonde.ffi;

/**
 * The result of running a program once by {@code BPF_PROG_TEST_RUN}.
 *
 * @param retval what the program returned
 * @param durationNanos the kernel's measure; 0 for raw tracepoint programs, which it does not time
 */
public record TestRun(int retval, long durationNanos) {}
