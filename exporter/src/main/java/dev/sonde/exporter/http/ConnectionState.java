package dev.sonde.exporter.http;

import java.time.Duration;

/** What a {@link Connection} is doing, what it waits for meanwhile, and for how long. */
enum ConnectionState {
  /** Between requests; the client may be silent. */
  IDLE(true),
  /** Some of a request is here. */
  READING(true),
  /** A render thread makes the answer. */
  HANDLING(false),
  /** An answer waits for the client to take it. */
  SENDING(false),
  /** The last answer is sent; what still comes is dropped. */
  LINGERING(true),
  /** The selector thread is asked to close it. */
  ENDING(true);

  private static final Duration LINGER = Duration.ofSeconds(1);
  private static final Duration FOREVER = Duration.ofNanos(Long.MAX_VALUE);

  private final boolean reads;

  ConnectionState(boolean reads) {
    this.reads = reads;
  }

  /** Whether it wants to know of what the client sends. */
  boolean reads() {
    return reads;
  }

  /**
   * How long it may last.
   *
   * @param fresh whether the client has not had an answer yet
   */
  Duration limit(HttpConfig.Deadlines deadlines, boolean fresh) {
    return switch (this) {
      case IDLE -> fresh ? deadlines.header() : deadlines.idle();
      case READING -> deadlines.header();
      case SENDING -> deadlines.send();
      case LINGERING -> LINGER;
      case HANDLING, ENDING -> FOREVER; // ours to finish
    };
  }
}
