package dev.sonde.ffi;

import java.util.concurrent.locks.ReentrantLock;

/**
 * Keeps a reader's memory mapped while a pass looks at it. The memory itself is unchecked (a check
 * per record would cost as much as the record), so the check is here, once per pass.
 */
final class Gate {
  private final ReentrantLock lock = new ReentrantLock();
  private final String reader;
  private volatile boolean closing;
  private boolean closed;

  Gate(String reader) {
    this.reader = reader;
  }

  /** Starts a pass; {@link #exit} must follow. */
  void enter() {
    lock.lock();
    if (closing || lock.getHoldCount() > 1) {
      lock.unlock();
      throw new IllegalStateException(
          closing ? reader + " is closed" : reader + " is called from inside its own handler");
    }
  }

  void exit() {
    lock.unlock();
  }

  /** Keeps new passes out, calls {@code wake}, waits for the last pass, then releases once. */
  void close(Runnable wake, Runnable release) {
    if (lock.isHeldByCurrentThread()) {
      throw new IllegalStateException(reader + " cannot be closed from inside its own handler");
    }
    closing = true;
    wake.run();
    lock.lock();
    try {
      if (!closed) {
        closed = true;
        release.run();
      }
    } finally {
      lock.unlock();
    }
  }
}
