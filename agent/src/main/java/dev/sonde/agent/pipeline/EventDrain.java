package dev.sonde.agent.pipeline;

import dev.sonde.agent.log.Log;
import dev.sonde.ffi.EventReader;
import dev.sonde.ffi.RecordHandler;
import java.time.Duration;

/**
 * Empties the kernel's event buffer, on a thread of its own.
 *
 * <p>Waits in poll(2) with a time limit and always drains afterwards: records that were left unread
 * once would silence the ring's wake-ups for good. Each pass is bounded, so that a fast producer
 * cannot keep the thread from seeing that it is to end. Owns the reader.
 */
public final class EventDrain implements AutoCloseable {
  private static final Log LOG = Log.named("drain");
  private static final int PASS = 4096;
  private static final int WAIT_MILLIS = 200;

  private final EventReader reader;
  private final RecordHandler handler;
  private final Runnable afterPass;
  private final Thread thread;
  private volatile boolean closed;
  private volatile long read;

  /**
   * @param afterPass called on the drain thread after each pass, several times a second
   */
  public EventDrain(EventReader reader, RecordHandler handler, Runnable afterPass) {
    this.reader = reader;
    this.handler = handler;
    this.afterPass = afterPass;
    this.thread = Thread.ofPlatform().name("sonde-drain").daemon(true).unstarted(this::run);
  }

  public void start() {
    thread.start();
  }

  /** Records read so far. */
  public long read() {
    return read;
  }

  private void run() {
    try (reader) {
      while (!closed) {
        if (drain() < PASS) {
          reader.await(WAIT_MILLIS);
        }
      }
      drain();
    } catch (RuntimeException e) {
      LOG.error("the event drain ended; events are lost from here on", e);
    }
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // the drain thread is the only writer
  private int drain() {
    int n = reader.drain(handler, PASS);
    read += n;
    afterPass.run();
    return n;
  }

  /** Drains what is there, ends the thread, closes the reader. */
  @Override
  public void close() {
    closed = true;
    if (thread.getState() == Thread.State.NEW) {
      reader.close(); // never started: nobody else would
      return;
    }
    if (thread.isAlive()) {
      reader.wake();
    }
    try {
      thread.join(Duration.ofSeconds(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
