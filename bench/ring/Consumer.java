/** One side of the comparison. */
sealed interface Consumer extends AutoCloseable permits JavaConsumer, CConsumer {
  /** Records drained and the CPU time of the drains alone. */
  record Drained(long records, long cpuNanos) {
    double nanosPerRecord() {
      return (double) cpuNanos / records;
    }
  }

  /** What became of the records of a timed run. */
  record Run(long sent, long lost, long read, long cpuNanos) {
    boolean exact() {
      return sent == read;
    }
  }

  /** Fills the ring and drains it, {@code fills} times. */
  Drained drain(int fills, int records);

  /** Reads for {@code millis} beside a producer of {@code perSecond}. */
  Run rate(long perSecond, long millis);

  @Override
  void close();
}
