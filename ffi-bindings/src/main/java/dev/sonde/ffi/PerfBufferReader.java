package dev.sonde.ffi;

import dev.sonde.ffi.internal.Descriptor;
import dev.sonde.ffi.internal.Downcalls;
import dev.sonde.ffi.internal.LibC;
import dev.sonde.ffi.internal.Memory;
import dev.sonde.ffi.internal.Native;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the perf buffers behind a {@code BPF_MAP_TYPE_PERF_EVENT_ARRAY}, one for each online CPU:
 * the older way, behind the same interface as {@link RingBufferReader}. See {@link EventReader} for
 * use and threads.
 *
 * <p>Records of one CPU come in order, those of different CPUs do not. The kernel pads a record:
 * its length here is rounded up to 4 below a multiple of 8, so read by the event's own layout.
 * Needs CAP_PERFMON.
 */
public final class PerfBufferReader implements EventReader {
  private static final int ATTR_SIZE = 112; // PERF_ATTR_SIZE_VER5, kernel 4.1
  private static final int PERF_TYPE_SOFTWARE = 1;
  private static final int PERF_COUNT_SW_BPF_OUTPUT = 10;
  private static final long PERF_SAMPLE_RAW = 1 << 10;
  private static final long PERF_EVENT_IOC_ENABLE = 0x2400;

  /** One CPU's event and its memory. */
  private record Cpu(Descriptor event, MemorySegment mapped, PerfMemory memory) {}

  private final Gate gate;
  private final List<Cpu> cpus;
  private final PerfMemory[] memories;
  private final Poller poller;
  private int first;

  private PerfBufferReader(String name, List<Cpu> cpus) {
    this.gate = new Gate("the reader of perf buffer " + name);
    this.cpus = cpus;
    this.memories = cpus.stream().map(Cpu::memory).toArray(PerfMemory[]::new);
    this.poller = new Poller(cpus.stream().mapToInt(cpu -> cpu.event().fd()).toArray());
  }

  /**
   * Opens and maps a buffer of {@code pagesPerCpu} pages on every online CPU and puts it into
   * {@code map}.
   *
   * @param pagesPerCpu a power of two
   * @throws BpfException the kernel refused
   */
  public static PerfBufferReader open(BpfMap map, int pagesPerCpu) throws BpfException {
    if (!map.is(MapType.PERF_EVENT_ARRAY)) {
      throw new IllegalArgumentException("map " + map.name() + " is not a perf event array");
    }
    if (pagesPerCpu < 1 || Integer.bitCount(pagesPerCpu) != 1) {
      throw new IllegalArgumentException(
          "%d pages per CPU for %s: use a power of two".formatted(pagesPerCpu, map.name()));
    }
    List<Cpu> cpus = new ArrayList<>();
    try {
      for (int cpu : online()) {
        if (cpu < map.maxEntries()) {
          cpus.add(open(map, cpu, pagesPerCpu));
        }
      }
      return new PerfBufferReader(map.name(), cpus);
    } catch (Throwable failure) {
      cpus.forEach(PerfBufferReader::close);
      throw failure;
    }
  }

  private static Cpu open(BpfMap map, int cpu, int pages) {
    String what = "perf buffer of " + map.name() + " on CPU " + cpu;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = Downcalls.newCapture(arena);
      int fd = LibC.perfEventOpen(capture, attributes(arena), cpu);
      if (fd < 0) {
        Errno errno = Errno.ofResult(fd);
        throw new BpfException("open the " + what, errno, Hints.map(errno));
      }
      Descriptor event = new Descriptor(fd);
      try {
        long page = LibC.pageSize();
        long size = page * (pages + 1L);
        MemorySegment address =
            LibC.mmap(
                capture,
                MemorySegment.NULL,
                size,
                LibC.PROT_READ | LibC.PROT_WRITE,
                LibC.MAP_SHARED,
                fd,
                0);
        if (LibC.isError(address)) {
          throw new BpfException(
              "mmap the " + what,
              Errno.ofResult(address.address()),
              "fewer pages, or a higher kernel.perf_event_mlock_kb");
        }
        MemorySegment mapped = Memory.unchecked(address, size);
        PerfMemory memory = new PerfMemory(what, mapped.asSlice(0, page), mapped.asSlice(page));
        Cpu opened = new Cpu(event, mapped, memory);
        try {
          map.update(Native.intCell(arena, cpu), Native.intCell(arena, fd), Update.ANY);
          int enabled = LibC.ioctl(capture, fd, PERF_EVENT_IOC_ENABLE, 0);
          if (enabled < 0) {
            throw new BpfException("enable the " + what, Errno.ofResult(enabled), "");
          }
          return opened;
        } catch (Throwable failure) {
          close(opened);
          throw failure;
        }
      } catch (Throwable failure) {
        event.close();
        throw failure;
      }
    }
  }

  /** {@code struct perf_event_attr} for bpf_perf_event_output, waking at every record. */
  private static MemorySegment attributes(Arena arena) {
    MemorySegment attributes = arena.allocate(ATTR_SIZE, 8);
    Native.i32(attributes, 0, PERF_TYPE_SOFTWARE);
    Native.i32(attributes, 4, ATTR_SIZE);
    Native.i64(attributes, 8, PERF_COUNT_SW_BPF_OUTPUT);
    Native.i64(attributes, 16, 1); // sample_period
    Native.i64(attributes, 24, PERF_SAMPLE_RAW); // sample_type
    Native.i32(attributes, 48, 1); // wakeup_events
    return attributes;
  }

  /** The CPUs of {@code 0-3,8}. */
  static List<Integer> parseCpus(String text) {
    List<Integer> cpus = new ArrayList<>();
    for (String range : text.strip().split(",", -1)) {
      String[] ends = range.split("-", 2);
      int from = Integer.parseInt(ends[0]);
      int to = ends.length == 1 ? from : Integer.parseInt(ends[1]);
      for (int cpu = from; cpu <= to; cpu++) {
        cpus.add(cpu);
      }
    }
    return cpus;
  }

  private static List<Integer> online() {
    try {
      return parseCpus(Files.readString(Path.of("/sys/devices/system/cpu/online")));
    } catch (IOException e) {
      throw new IllegalStateException("list the online CPUs; mount sysfs", e);
    }
  }

  @Override
  public int drain(RecordHandler handler, int maxRecords) {
    gate.enter();
    try {
      int handed = 0;
      // Starts at another CPU each time, so that a cap does not starve the last ones.
      first = first + 1 < memories.length ? first + 1 : 0;
      for (int i = 0; i < memories.length && handed < maxRecords; i++) {
        int at = first + i < memories.length ? first + i : first + i - memories.length;
        handed += memories[at].drain(handler, maxRecords - handed);
      }
      return handed;
    } finally {
      gate.exit();
    }
  }

  @Override
  public void await(int timeoutMillis) {
    gate.enter();
    try {
      boolean ready = false;
      for (PerfMemory memory : memories) {
        ready |= memory.hasData();
      }
      poller.await(ready ? 0 : timeoutMillis);
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
    long lost = 0;
    for (PerfMemory memory : memories) {
      lost += memory.lost();
    }
    return lost;
  }

  @Override
  public void close() {
    gate.close(
        poller::wake,
        () -> {
          poller.close();
          cpus.forEach(PerfBufferReader::close);
        });
  }

  private static void close(Cpu cpu) {
    try (Arena call = Arena.ofConfined()) {
      int ignored = LibC.munmap(Downcalls.newCapture(call), cpu.mapped(), cpu.mapped().byteSize());
      assert ignored == 0;
    }
    cpu.event().close();
  }
}
