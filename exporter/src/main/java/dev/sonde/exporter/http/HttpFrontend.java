package dev.sonde.exporter.http;

import java.net.InetSocketAddress;
import java.time.Duration;

/**
 * A running HTTP endpoint. Behind it may stand any transport, for example one with TLS.
 *
 * <p>Any thread may call anything.
 */
public interface HttpFrontend extends AutoCloseable {
  /** Where it listens, with the real port if 0 was asked for. */
  InetSocketAddress address();

  /** Whether a scrape was answered since the start; waits for the first one, so long at most. */
  boolean awaitScrape(Duration most);

  /** Its counters since start. */
  HttpStats stats();

  /** Other limits from the next connection and scrape on. */
  void reconfigure(int maxConnections, boolean classicHistograms);

  /** Stops listening and closes every connection; answers in flight are cut. Twice is harmless. */
  @Override
  void close();
}
