package dev.sonde.ffi;

/**
 * Reads the records that BPF programs send, from a ring buffer or from perf buffers.
 *
 * {@snippet :
 * try (EventReader reader = RingBufferReader.open(object.map("events"))) {
 *   while (running) {
 *     reader.await(1000);
 *     while (reader.drain(this::onEvent, 10_000) > 0) {}
 *   }
 * }
 * }
 *
 * <p>One thread drains and awaits; it is allocation-free and calls nothing back from C. Any thread
 * may {@link #wake} and {@link #close}: a close waits for the pass that runs.
 */
public sealed interface EventReader extends AutoCloseable
    permits RingBufferReader, PerfBufferReader {

  /**
   * Hands over what is there, without waiting.
   *
   * @param maxRecords where to stop, because under a fast producer a pass would never end
   * @return how many records were handed over
   * @throws IllegalStateException the reader is closed, or the buffer's contents make no sense
   */
  int drain(RecordHandler handler, int maxRecords);

  /**
   * Waits until there is data, {@link #wake} is called or the time is over. Always drain
   * afterwards: a program may send records without waking anybody.
   *
   * @param timeoutMillis -1 for no limit
   */
  void await(int timeoutMillis);

  /** Makes {@link #await} return, now or at its next call. Harmless after close. */
  void wake();

  /**
   * Records that the kernel dropped because the reader was too slow. Perf buffers count them; of a
   * ring buffer only the program knows (its reserve fails), so this is 0.
   */
  long lost();

  /** Unmaps the buffer. Closing twice is harmless; closing inside a handler is refused. */
  @Override
  void close();
}
