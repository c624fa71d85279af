package dev.sonde.ffi;

import java.lang.constant.ConstantDescs;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The inner loop over one ring, as a template: {@link RingLoops} defines one hidden class from it
 * for each ring, with the ring as class data. So the addresses and the mask are constants to the
 * compiler, and a record costs two thirds of what it costs through instance fields. This class
 * itself is never initialised.
 *
 * <p>The protocol is that of {@code ringbuf_process_ring} in libbpf: read the producer's position
 * with acquire, then each header with acquire; a busy header ends the pass, a discarded record is
 * skipped; our position goes back with release.
 */
final class RingLoop implements RingPass {
  private static final int BUSY = 1 << 31;
  private static final int DISCARD = 1 << 30;
  private static final int HEADER = 8;

  private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
  private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

  private static final RingMemory RING = ring();
  private static final MemorySegment DATA = RING.data();
  private static final MemorySegment CONSUMER = RING.consumer();
  private static final MemorySegment PRODUCER = RING.producer();
  private static final long MASK = RING.size() - 1;

  /**
   * A release per record costs the kernel's cache line each time; one per quarter frees soon
   * enough.
   */
  private static final long RELEASE_STEP = RING.size() / 4;

  private RingLoop() {}

  private static RingMemory ring() {
    try {
      return MethodHandles.classData(
          MethodHandles.lookup(), ConstantDescs.DEFAULT_NAME, RingMemory.class);
    } catch (IllegalAccessException impossible) {
      throw new AssertionError(impossible);
    }
  }

  static RingPass create() {
    return new RingLoop();
  }

  @Override
  public boolean hasData() {
    // The consumer's release must be visible before the header is read, else the kernel's commit
    // and this look can miss each other, and nobody wakes us.
    VarHandle.fullFence();
    long consumed = (long) LONG.get(CONSUMER, 0L);
    long produced = (long) LONG.getAcquire(PRODUCER, 0L);
    return consumed != produced && (int) INT.getAcquire(DATA, consumed & MASK) >= 0;
  }

  @Override
  public int drain(RecordHandler handler, int maxRecords) {
    long consumed = (long) LONG.get(CONSUMER, 0L);
    long released = consumed;
    int left = maxRecords;
    int discarded = 0;
    try {
      while (left > 0) {
        long produced = (long) LONG.getAcquire(PRODUCER, 0L);
        long stop = consumed + Math.min(available(consumed, produced), RELEASE_STEP);
        if (stop == consumed) {
          break;
        }
        do {
          long at = consumed & MASK;
          // Unaligned and fenced rather than an acquiring VarHandle: no alignment check a record.
          int length = DATA.get(ValueLayout.JAVA_INT_UNALIGNED, at);
          VarHandle.acquireFence();
          boolean handOver = true;
          if ((length & (BUSY | DISCARD)) != 0) {
            if ((length & BUSY) != 0) {
              return maxRecords - left - discarded;
            }
            length &= ~DISCARD;
            handOver = false;
          }
          long next = consumed + ((length + HEADER + 7L) & -8L);
          if (next - produced > 0) {
            throw corrupt(consumed, produced, length);
          }
          // Before the handler: a record that makes it fail must not come again.
          consumed = next;
          left--;
          if (handOver) {
            handler.record(DATA, at + HEADER, length);
          } else {
            discarded++;
          }
        } while (consumed - stop < 0 && left > 0);
        LONG.setRelease(CONSUMER, 0L, consumed);
        released = consumed;
      }
      return maxRecords - left - discarded;
    } finally {
      if (consumed != released) {
        LONG.setRelease(CONSUMER, 0L, consumed);
      }
    }
  }

  private static long available(long consumed, long produced) {
    long available = produced - consumed;
    if (available < 0 || available > RING.size()) {
      throw new IllegalStateException(
          "ring buffer %s is corrupt: the producer at %d is more than %d bytes ahead of the reader at %d"
              .formatted(RING.name(), produced, RING.size(), consumed));
    }
    return available;
  }

  private static IllegalStateException corrupt(long consumed, long produced, int length) {
    return new IllegalStateException(
        "ring buffer %s is corrupt: a record of %d bytes at position %d passes the producer at %d"
            .formatted(RING.name(), length, consumed, produced));
  }
}
