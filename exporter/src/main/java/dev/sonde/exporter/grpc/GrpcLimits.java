package dev.sonde.exporter.grpc;

import java.time.Duration;

/**
 * What clients may ask of the gRPC server. Together they bound its memory, whatever clients do: at
 * worst, connections x calls x request (31 MB), answers x answer (8 MB), watches x 32 KB (4 MB).
 */
final class GrpcLimits {
  /** Connections at once; more are closed as they come. */
  static final int CONNECTIONS = 32;

  /** Calls at once on one connection; well-behaved clients queue the rest. */
  static final int CALLS_PER_CONNECTION = 48;

  /** A request that uses every other limit to the full is smaller. */
  static final int REQUEST_BYTES = 20 * 1024;

  static final int METADATA_BYTES = 8 * 1024;

  /** A quarter of what clients accept by default. */
  static final int ANSWER_BYTES = 1024 * 1024;

  /** Answers of up to {@link #ANSWER_BYTES} that are being made or not yet taken by the client. */
  static final int ANSWERS = 8;

  static final int ANSWERS_PER_CONNECTION = 2;

  /** WatchEvents calls at once; each buffers up to 32 KB for its client. */
  static final int WATCHES = 128;

  static final int WATCHES_PER_CONNECTION = 32;

  static final int DEFAULT_ITEMS = 1_000;
  static final int MAX_ITEMS = 10_000;

  static final int METRICS = 32;
  static final int METRIC_LENGTH = 128;
  static final int MATCHERS = 16;
  static final int LABEL_LENGTH = 128;
  static final int VALUE_LENGTH = 256;

  /** How often we ask a silent client for a sign of life, and how long it has to give one. */
  static final Duration KEEPALIVE = Duration.ofSeconds(30);

  static final Duration KEEPALIVE_TIMEOUT = Duration.ofSeconds(10);

  /** How often clients may ask us. */
  static final Duration PERMITTED_KEEPALIVE = Duration.ofSeconds(10);

  /** Connections without a call end after this. */
  static final Duration CONNECTION_IDLE = Duration.ofMinutes(5);

  private GrpcLimits() {}
}
