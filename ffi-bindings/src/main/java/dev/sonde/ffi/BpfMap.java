package dev.sonde.ffi;

import dev.sonde.ffi.internal.LibBpf;
import dev.sonde.ffi.internal.Memory;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One map of a {@link BpfObject}, borrowed from it. Keys and values are the caller's native
 * segments, in the layouts of {@code dev.sonde.ffi.layout}, and may be reused for every call.
 *
 * {@snippet :
 * try (Arena arena = Arena.ofConfined()) {
 *   MemorySegment key = arena.allocate(map.keySize());
 *   MemorySegment value = arena.allocate(map.valueBufferSize());
 *   boolean found = map.lookup(key, value);
 * }
 * map.forEach((keys, k, values, v) -> total += Waits.count(values, v));
 * }
 *
 * <p>A per-CPU map's value is one copy for each possible CPU, each rounded up to 8 bytes: see
 * {@link PerCpuValues}. {@link #forEach} uses buffers that belong to the map, so one thread at a
 * time may call it; the other reads and writes are thread-safe.
 */
public final class BpfMap {
  private static final int BPF_F_MMAPABLE = 1 << 10;

  private final BpfObject object;
  private final MemorySegment handle;
  private final String name;
  private @Nullable MapScan scan;

  BpfMap(BpfObject object, MemorySegment handle) {
    this.object = object;
    this.handle = handle;
    this.name = Memory.string(LibBpf.bpf_map__name(handle));
  }

  /** The name in the object. */
  public String name() {
    return name;
  }

  /**
   * The descriptor, borrowed.
   *
   * @throws IllegalStateException it does not exist yet
   */
  public int fd() {
    object.requireOpen();
    int fd = LibBpf.bpf_map__fd(handle);
    if (fd < 0) {
      throw new IllegalStateException(
          "map %s does not exist yet; load %s first, with autocreate on"
              .formatted(name, object.name()));
    }
    return fd;
  }

  /** Bytes of a key; 0 for a queue or stack. */
  public int keySize() {
    object.requireOpen();
    return LibBpf.bpf_map__key_size(handle);
  }

  /** Bytes of a value; of one CPU in a per-CPU map. */
  public int valueSize() {
    object.requireOpen();
    return LibBpf.bpf_map__value_size(handle);
  }

  /** Capacity; bytes for a ring buffer. */
  public int maxEntries() {
    object.requireOpen();
    return LibBpf.bpf_map__max_entries(handle);
  }

  /** Whether a value is one copy for each possible CPU. */
  public boolean isPerCpu() {
    object.requireOpen();
    return MapType.isPerCpu(LibBpf.bpf_map__type(handle));
  }

  /** Bytes that {@link #lookup} writes: {@link #valueSize}, or the copies of all possible CPUs. */
  public long valueBufferSize() {
    return isPerCpu()
        ? PerCpuValues.stride(valueSize()) * PerCpuValues.possibleCpus()
        : valueSize();
  }

  /** Sets the capacity, before load. */
  public void setMaxEntries(int entries) {
    object.requireUnloaded("set the capacity of map " + name);
    check("set the capacity of map " + name, LibBpf.bpf_map__set_max_entries(handle, entries));
  }

  /** Whether the load creates it, before load; without it no loaded program may use it. */
  public void setAutocreate(boolean create) {
    object.requireUnloaded("set autocreate of map " + name);
    check("set autocreate of map " + name, LibBpf.bpf_map__set_autocreate(handle, create ? 1 : 0));
  }

  /** Uses the loaded map of another object instead of a new one, before load; it is shared. */
  public void reuse(BpfMap other) {
    object.requireUnloaded("reuse a map as " + name);
    check("reuse %s as map %s".formatted(other.name, name), reuseFd(other.fd()));
  }

  /**
   * Reads the value of {@code key} into {@code value}.
   *
   * @return false if there is no such key
   * @throws IllegalArgumentException a segment is too small or not native
   */
  public boolean lookup(MemorySegment key, MemorySegment value) {
    requireRoom("key", key, keySize());
    requireRoom("value", value, valueBufferSize());
    return found("look up in", LibBpf.bpf_map_lookup_elem(fd(), key, value));
  }

  /**
   * Writes {@code value} under {@code key}.
   *
   * @throws BpfException the map is full (E2BIG), or {@code mode} does not allow it
   */
  public void update(MemorySegment key, MemorySegment value, Update mode) {
    requireRoom("key", key, keySize());
    requireRoom("value", value, valueBufferSize());
    check("update map " + name, LibBpf.bpf_map_update_elem(fd(), key, value, mode.flag()));
  }

  /**
   * Removes {@code key}.
   *
   * @return false if there is no such key
   */
  public boolean delete(MemorySegment key) {
    requireRoom("key", key, keySize());
    return found("delete from", LibBpf.bpf_map_delete_elem(fd(), key));
  }

  /**
   * Takes the next value out of a queue or stack.
   *
   * @return false if it is empty
   */
  public boolean pop(MemorySegment value) {
    requireRoom("value", value, valueSize());
    return found(
        "pop from", LibBpf.bpf_map_lookup_and_delete_elem(fd(), MemorySegment.NULL, value));
  }

  /**
   * Puts a value into a queue or stack.
   *
   * @throws BpfException it is full (E2BIG)
   */
  public void push(MemorySegment value) {
    requireRoom("value", value, valueSize());
    check(
        "push to map " + name,
        LibBpf.bpf_map_update_elem(fd(), MemorySegment.NULL, value, Update.ANY.flag()));
  }

  /**
   * Hands every entry to {@code consumer}: by batches where the kernel has them for this map (5.6),
   * else key by key. Entries that come or go meanwhile may or may not be seen. Nothing is allocated
   * per entry.
   *
   * @return how many entries there were
   */
  public int forEach(MapEntryConsumer consumer) {
    int fd = fd();
    MapScan known = scan;
    if (known == null) {
      known = new MapScan(name, keySize(), valueBufferSize(), maxEntries());
      scan = known;
    }
    return known.forEach(fd, consumer);
  }

  /**
   * Maps an array that was made with {@code BPF_F_MMAPABLE} (5.5) into memory, to be read without
   * any system call.
   *
   * @throws IllegalArgumentException it is no such array
   */
  public MappedArray mmap() throws BpfException {
    return mmap(0, maxEntries());
  }

  /**
   * Maps {@code count} values of such an array, from value {@code first} on.
   *
   * @throws IllegalArgumentException it is no such array
   * @throws IndexOutOfBoundsException it has not so many values
   */
  public MappedArray mmap(int first, int count) throws BpfException {
    int fd = fd();
    if ((LibBpf.bpf_map__map_flags(handle) & BPF_F_MMAPABLE) == 0) {
      throw new IllegalArgumentException(
          "map %s cannot be mapped; declare it as an array with BPF_F_MMAPABLE".formatted(name));
    }
    Objects.checkFromIndexSize(first, count, maxEntries());
    return MappedArray.of(name, fd, valueSize(), first, count);
  }

  /** The map's {@code enum bpf_map_type}. */
  boolean is(MapType type) {
    object.requireOpen();
    return LibBpf.bpf_map__type(handle) == type.number();
  }

  private int reuseFd(int fd) {
    return LibBpf.bpf_map__reuse_fd(handle, fd);
  }

  private boolean found(String what, int result) {
    if (result == -Errno.ENOENT.number()) {
      return false;
    }
    check(what + " map " + name, result);
    return true;
  }

  private void requireRoom(String what, MemorySegment segment, long size) {
    if (!segment.isNative() || segment.byteSize() < size) {
      throw new IllegalArgumentException(
          "the %s for map %s must be a native segment of at least %d bytes, not %s"
              .formatted(what, name, size, segment));
    }
  }

  private static void check(String what, int result) {
    if (result < 0) {
      Errno errno = Errno.ofResult(result);
      throw new BpfException(
          what, errno, errno.equals(Errno.E2BIG) ? "the map is full" : Hints.map(errno));
    }
  }

  @Override
  public String toString() {
    return "BpfMap " + name;
  }
}
