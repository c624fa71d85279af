import dev.sonde.ffi.BpfMap;
import dev.sonde.ffi.BpfObject;
import dev.sonde.ffi.BpfProgram;
import dev.sonde.ffi.OpenOptions;
import dev.sonde.ffi.RecordHandler;
import dev.sonde.ffi.RingBufferReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/** The reader of ffi-bindings in this process. */
final class JavaConsumer implements Consumer {
  private static final com.sun.management.ThreadMXBean THREADS =
      (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final byte[] NO_DATA = new byte[0];

  private final BpfObject object;
  private final BpfProgram program;
  private final BpfMap counts;
  private final RingBufferReader reader;
  private final Summing summing = new Summing();
  private long allocated;

  /** What the C callback does too. */
  static final class Summing implements RecordHandler {
    long sum;
    long records;

    @Override
    public void record(MemorySegment data, long offset, int length) {
      sum += data.get(ValueLayout.JAVA_LONG_UNALIGNED, offset);
      records++;
    }
  }

  JavaConsumer(Path file, int ringBytes) {
    try {
      object = BpfObject.open("ring", Files.readAllBytes(file), OpenOptions.none());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    object.map("ring").setMaxEntries(ringBytes);
    object.load();
    program = object.program("fill");
    counts = object.map("counts");
    reader = RingBufferReader.open(object.map("ring"));
  }

  void fill(long records) {
    byte[] arguments =
        ByteBuffer.allocate(16).order(ByteOrder.nativeOrder()).putLong(records).array();
    program.testRun(arguments, NO_DATA, -1);
  }

  long counted(int which) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(8, 8);
      counts.lookup(arena.allocateFrom(ValueLayout.JAVA_INT, which), value);
      return value.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  RingBufferReader reader() {
    return reader;
  }

  /** Bytes that this thread has allocated inside drains. */
  long allocated() {
    return allocated;
  }

  @Override
  public Drained drain(int fills, int records) {
    long cpu = 0;
    summing.records = 0;
    for (int i = 0; i < fills; i++) {
      fill(records);
      long bytes = THREADS.getCurrentThreadAllocatedBytes();
      long start = THREADS.getCurrentThreadCpuTime();
      reader.drain(summing, Integer.MAX_VALUE);
      cpu += THREADS.getCurrentThreadCpuTime() - start;
      allocated += THREADS.getCurrentThreadAllocatedBytes() - bytes;
    }
    return new Drained(summing.records, cpu);
  }

  @Override
  public Run rate(long perSecond, long millis) {
    long sent = counted(0);
    long lost = counted(1);
    summing.records = 0;
    long cpu = THREADS.getCurrentThreadCpuTime();
    Thread producer = Thread.ofPlatform().start(() -> produce(perSecond, millis));
    while (producer.isAlive()) {
      reader.await(100);
      reader.drain(summing, 10_000);
    }
    while (reader.drain(summing, 10_000) > 0) {}
    cpu = THREADS.getCurrentThreadCpuTime() - cpu;
    return new Run(counted(0) - sent, counted(1) - lost, summing.records, cpu);
  }

  private void produce(long perSecond, long millis) {
    long start = System.nanoTime();
    long sent = 0;
    long elapsed;
    while ((elapsed = System.nanoTime() - start) < millis * 1_000_000) {
      long due = elapsed / 1000 * perSecond / 1_000_000;
      if (due > sent) {
        fill(due - sent);
        sent = due;
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Override
  public void close() {
    reader.close();
    object.close();
  }
}
