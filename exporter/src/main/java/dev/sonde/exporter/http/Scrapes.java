package dev.sonde.exporter.http;

import dev.sonde.exporter.model.Snapshot;
import dev.sonde.exporter.prometheus.Bytes;
import dev.sonde.exporter.prometheus.Exposition;
import dev.sonde.exporter.prometheus.Format;
import dev.sonde.exporter.prometheus.Negotiation;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Renders scrapes on threads of its own, as many at once as configured; what does not fit is told
 * to come back.
 */
final class Scrapes implements AutoCloseable {
  /** Buffers above this are not kept when a scrape needed far less. */
  private static final int SMALL = 1 << 20;

  private final Supplier<@Nullable Snapshot> newest;
  private volatile Exposition exposition;
  private final ThreadPoolExecutor executor;
  private final LinkedBlockingDeque<Bytes> pool;
  private final CountDownLatch first = new CountDownLatch(1);
  private final LongAdder scrapes = new LongAdder();
  private final LongAdder nanos = new LongAdder();
  private final LongAdder bytes = new LongAdder();

  Scrapes(HttpConfig config, Supplier<@Nullable Snapshot> newest) {
    this.newest = newest;
    this.exposition = new Exposition(config.rendering().classicHistograms());
    this.pool = new LinkedBlockingDeque<>(2 * config.rendering().threads());
    this.executor =
        new ThreadPoolExecutor(
            config.rendering().threads(),
            config.rendering().threads(),
            60,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(config.rendering().queue()),
            Thread.ofPlatform().daemon().name("sonde-scrape-", 1).factory());
    executor.allowCoreThreadTimeOut(true);
  }

  /** Whether histograms have their classic buckets, from the next scrape on. */
  void classicHistograms(boolean classic) {
    exposition = new Exposition(classic);
  }

  /** Whether there is room; if not, nothing was done. */
  boolean offer(Request request, Connection connection, NioServer server) {
    try {
      executor.execute(() -> run(request, connection, server));
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }

  /** Whether one was answered; waits for it. */
  boolean awaitFirst(Duration most) {
    try {
      return first.await(most.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  long scrapes() {
    return scrapes.sum();
  }

  double seconds() {
    return nanos.sum() / 1e9;
  }

  long bytes() {
    return bytes.sum();
  }

  private void run(Request request, Connection connection, NioServer server) {
    try {
      answer(request, connection);
      connection.resume();
    } catch (IOException e) {
      connection.handleException(e);
    } catch (RuntimeException | Error e) {
      server.unexpected(e);
      connection.fail(request);
    }
  }

  private void answer(Request request, Connection connection) throws IOException {
    Snapshot snapshot = newest.get();
    if (snapshot == null) {
      connection.respond(
          request,
          Response.text(
              503,
              "Service Unavailable",
              "no snapshot yet; /readyz says what is missing",
              "Retry-After: 1"));
      return;
    }
    Format format = Negotiation.format(request.accept());
    boolean gzip = Negotiation.gzip(request.acceptEncoding());
    if (request.isHead()) {
      connection.respond(request, head(request, format, gzip, -1), new Bytes(0), () -> {});
      return;
    }
    long began = System.nanoTime();
    Bytes body = rendered(snapshot, format, gzip);
    nanos.add(System.nanoTime() - began);
    scrapes.increment();
    bytes.add(body.length());
    connection.respond(
        request, head(request, format, gzip, body.length()), body, () -> giveBack(body));
    first.countDown();
  }

  private Bytes rendered(Snapshot snapshot, Format format, boolean gzip) throws IOException {
    Bytes plain = take();
    exposition.render(snapshot, format, plain);
    if (!gzip) {
      return plain;
    }
    Bytes packed = take();
    Exposition.gzip(plain, packed);
    giveBack(plain);
    return packed;
  }

  /**
   * @param length -1 for HEAD: it would cost the whole page to know
   */
  private static byte[] head(Request request, Format format, boolean gzip, int length) {
    List<String> headers = new ArrayList<>();
    headers.add("Vary: Accept, Accept-Encoding");
    if (gzip) {
      headers.add("Content-Encoding: gzip");
    }
    if (length >= 0) {
      headers.add("Content-Length: " + length);
    }
    return Response.head(200, "OK", format.contentType(), headers, !request.keepAlive());
  }

  private Bytes take() {
    Bytes b = pool.pollFirst();
    return b == null ? new Bytes(1 << 16) : b;
  }

  private void giveBack(Bytes b) {
    boolean oversized = b.capacity() > SMALL && b.length() < b.capacity() / 8;
    b.clear();
    if (!oversized) {
      pool.offerFirst(b);
    }
  }

  @Override
  public void close() {
    executor.shutdownNow();
  }
}
