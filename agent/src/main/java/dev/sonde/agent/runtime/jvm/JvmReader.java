package dev.sonde.agent.runtime.jvm;

import java.io.IOException;

/**
 * One way to read the totals of one JVM: a row of {@code sonde_jvm_source}.
 *
 * <p>Not thread-safe: the snapshot thread owns it. Holds no descriptor between two readings, so
 * that it never keeps a pod's file system busy.
 */
sealed interface JvmReader permits HsperfReader {
  /** The value of label {@code source}. */
  String source();

  JvmIdentity identity();

  /**
   * Reads all counters into {@code out}.
   *
   * @throws IOException if the JVM has ended or can no longer be read; {@code out} is undefined
   *     then
   */
  void read(JvmCounters out) throws IOException;
}
