package dev.sonde.ffi;

import dev.sonde.ffi.internal.Downcalls;
import dev.sonde.ffi.internal.LibC;
import dev.sonde.ffi.internal.Memory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Reads a BPF ring buffer ({@code BPF_MAP_TYPE_RINGBUF}, 5.8) by mapping it: no upcall, no
 * allocation, and no more CPU than libbpf's own consumer in C (bench/ring measures it). See {@link
 * EventReader} for use and threads; at most one reader for a ring.
 *
 * <p>A record that a program reserved and has not submitted yet holds back those behind it. The
 * ring's records that found no room are counted by the program alone.
 */
public final class RingBufferReader implements EventReader {
  private final Gate gate;
  private final MemorySegment consumerPage;
  private final MemorySegment producerPages;
  private final Poller poller;
  private final RingPass pass;

  private RingBufferReader(
      String name,
      MemorySegment consumerPage,
      MemorySegment producerPages,
      RingPass pass,
      Poller poller) {
    this.gate = new Gate("the reader of ring buffer " + name);
    this.consumerPage = consumerPage;
    this.producerPages = producerPages;
    this.pass = pass;
    this.poller = poller;
  }

  /**
   * Maps the ring of {@code map}. The map may be closed before the reader: the memory stays.
   *
   * @throws IllegalArgumentException it is no ring buffer
   * @throws BpfException the kernel refused
   */
  public static RingBufferReader open(BpfMap map) throws BpfException {
    if (!map.is(MapType.RINGBUF)) {
      throw new IllegalArgumentException("map " + map.name() + " is not a ring buffer");
    }
    int fd = map.fd();
    long page = LibC.pageSize();
    MemorySegment consumer = null;
    MemorySegment producer = null;
    try {
      consumer = mmap(map.name(), fd, page, LibC.PROT_READ | LibC.PROT_WRITE, 0);
      // The data pages come twice in a row: a record at the end of the ring reads on into its
      // start.
      long size = Integer.toUnsignedLong(map.maxEntries());
      producer = mmap(map.name(), fd, page + 2 * size, LibC.PROT_READ, page);
      RingMemory memory =
          new RingMemory(
              map.name(), consumer.asSlice(0, 8), producer.asSlice(0, 8), producer.asSlice(page));
      RingPass pass = RingLoops.of(memory);
      return new RingBufferReader(map.name(), consumer, producer, pass, new Poller(fd));
    } catch (Throwable failure) {
      if (consumer != null) {
        unmap(consumer);
      }
      if (producer != null) {
        unmap(producer);
      }
      throw failure;
    }
  }

  @Override
  public int drain(RecordHandler handler, int maxRecords) {
    gate.enter();
    try {
      return pass.drain(handler, maxRecords);
    } finally {
      gate.exit();
    }
  }

  @Override
  public void await(int timeoutMillis) {
    gate.enter();
    try {
      // What is there already may have come without a wake-up, and then none would come at all.
      poller.await(pass.hasData() ? 0 : timeoutMillis);
    } finally {
      gate.exit();
    }
  }

  @Override
  public void wake() {
    poller.wake();
  }

  @Override
  public long lost() {
    return 0;
  }

  @Override
  public void close() {
    gate.close(
        poller::wake,
        () -> {
          poller.close();
          unmap(consumerPage);
          unmap(producerPages);
        });
  }

  private static MemorySegment mmap(String map, int fd, long size, int protection, long offset) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment memory =
          LibC.mmap(
              Downcalls.newCapture(call),
              MemorySegment.NULL,
              size,
              protection,
              LibC.MAP_SHARED,
              fd,
              offset);
      if (LibC.isError(memory)) {
        throw new BpfException("mmap ring " + map, Errno.ofResult(memory.address()), "");
      }
      return Memory.unchecked(memory, size);
    }
  }

  private static void unmap(MemorySegment memory) {
    try (Arena call = Arena.ofConfined()) {
      int ignored = LibC.munmap(Downcalls.newCapture(call), memory, memory.byteSize());
      assert ignored == 0;
    }
  }
}
