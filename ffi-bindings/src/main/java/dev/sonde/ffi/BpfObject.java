package dev.sonde.ffi;

import dev.sonde.ffi.internal.Downcalls;
import dev.sonde.ffi.internal.LibBpf;
import dev.sonde.ffi.internal.Memory;
import dev.sonde.ffi.internal.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A compiled BPF object: its programs, maps and settings. Open it, configure it, load it, then
 * attach its programs and read its maps.
 *
 * {@snippet :
 * try (BpfObject object = BpfObject.open("sched", elf, OpenOptions.none())) {
 *   object.setGlobal("target_pid", 42);
 *   object.program("fallback").setAutoload(false);
 *   object.load();
 *   BpfLink link = object.program("on_switch").attach();
 * }
 * }
 *
 * <p>Owns the kernel's maps and programs: after {@link #close} its {@link BpfProgram}s and {@link
 * BpfMap}s are dead, while an open {@link BpfLink} keeps its program running. Open, configure, load
 * and close on one thread at a time; the maps may then be read by other threads, one thread for
 * each map.
 *
 * <p>Needs kernel 5.10.
 */
public final class BpfObject implements AutoCloseable {
  /** {@code sizeof(struct bpf_object_open_opts)} up to btf_custom_path, which libbpf 1.0 has. */
  private static final int OPTIONS_SIZE = 56;

  private static final long OPTIONS_OBJECT_NAME = 8;
  private static final long OPTIONS_BTF_CUSTOM_PATH = 48;

  private final String name;
  private final MemorySegment handle;
  private final Arena elfMemory;
  private final Map<String, BpfProgram> programs = new LinkedHashMap<>();
  private final Map<String, BpfMap> maps = new LinkedHashMap<>();
  private @Nullable Globals globals;
  private boolean loaded;
  private boolean closed;

  private BpfObject(String name, MemorySegment handle, Arena elfMemory) {
    this.name = name;
    this.handle = handle;
    this.elfMemory = elfMemory;
    try {
      each(p -> LibBpf.bpf_object__next_program(handle, p))
          .forEach(p -> put(programs, new BpfProgram(this, p), BpfProgram::name));
      each(m -> LibBpf.bpf_object__next_map(handle, m))
          .forEach(m -> put(maps, new BpfMap(this, m), BpfMap::name));
    } catch (Throwable failure) {
      LibBpf.bpf_object__close(handle);
      throw failure;
    }
  }

  /**
   * Parses {@code elf}. Nothing reaches the kernel yet.
   *
   * @param name for messages, and the prefix of the names of data section maps
   * @throws BpfException the object is corrupt or for another architecture
   * @throws NativeLibraryException libbpf is missing or too old
   */
  public static BpfObject open(String name, byte[] elf, OpenOptions options) throws BpfException {
    Libbpf.require();
    if (elf.length == 0) {
      throw new BpfException("open " + name, Errno.EINVAL, "the object is empty; rebuild it");
    }
    // Shared: whoever closes the object may be another thread than the one that opened it.
    Arena memory = Arena.ofShared();
    try {
      MemorySegment image = Memory.large(elf.length, memory);
      MemorySegment.copy(elf, 0, image, ValueLayout.JAVA_BYTE, 0, elf.length);
      MemorySegment opts = memory.allocate(OPTIONS_SIZE, 8);
      Native.i64(opts, 0, OPTIONS_SIZE);
      Native.pointer(opts, OPTIONS_OBJECT_NAME, memory.allocateFrom(name));
      if (options.btf() != null) {
        Native.pointer(
            opts, OPTIONS_BTF_CUSTOM_PATH, memory.allocateFrom(options.btf().toString()));
      }
      MemorySegment capture = Downcalls.newCapture(memory);
      MemorySegment handle = LibBpf.bpf_object__open_mem(capture, image, elf.length, opts);
      if (handle.address() == 0) {
        Errno errno = new Errno(LibBpf.errno(capture));
        throw new BpfException(
            "open BPF object %s (%d bytes)".formatted(name, elf.length), errno, Hints.open(errno));
      }
      return new BpfObject(name, handle, memory);
    } catch (Throwable failure) {
      memory.close();
      throw failure;
    }
  }

  /** The name given to {@link #open}. */
  public String name() {
    return name;
  }

  /**
   * The program of that C function name.
   *
   * @throws IllegalArgumentException there is none; the message names those that exist
   */
  public BpfProgram program(String program) {
    return find("program", programs, program);
  }

  /** All programs, in the object's order. */
  public List<BpfProgram> programs() {
    return List.copyOf(programs.values());
  }

  /**
   * The map of that name.
   *
   * @throws IllegalArgumentException there is none; the message names those that exist
   */
  public BpfMap map(String map) {
    return find("map", maps, map);
  }

  /** All maps, in the object's order; data sections such as {@code sched.rodata} are among them. */
  public List<BpfMap> maps() {
    return List.copyOf(maps.values());
  }

  /**
   * Sets a global variable before load: a {@code const volatile} setting, or the first value of one
   * in {@code .data} or {@code .bss}. The object's BTF says where it is and how wide.
   *
   * @param value must fit the variable, as signed or as unsigned
   * @throws IllegalArgumentException there is no such variable, or the value does not fit
   */
  public void setGlobal(String variable, long value) {
    requireUnloaded("set " + variable);
    Globals known = globals;
    if (known == null) {
      known = Globals.of(name, handle);
      globals = known;
    }
    known.set(variable, value);
  }

  /**
   * Creates the maps and loads the programs that are set to load.
   *
   * @throws BpfException the kernel refused; {@link BpfException#verifierLog} has the whole text if
   *     it was the verifier. The object can only be closed then
   */
  public void load() throws BpfException {
    requireUnloaded("load");
    loaded = true;
    List<BpfProgram> chosen = programs.values().stream().filter(BpfProgram::autoload).toList();
    try (LogBuffers logs = new LogBuffers(chosen)) {
      int result = LibBpf.bpf_object__load(handle);
      if (result < 0) {
        Errno errno = Errno.ofResult(result);
        throw logs.refusal()
            .map(
                refusal ->
                    new BpfException(
                        "load program %s (%s) of %s"
                            .formatted(refusal.program(), refusal.section(), name),
                        errno,
                        Hints.load(errno),
                        refusal.log()))
            .orElseGet(() -> new BpfException(loading(chosen), errno, Hints.load(errno)));
      }
    }
  }

  /** Without a verifier log only a lone program is known to be the culprit. */
  private String loading(List<BpfProgram> chosen) {
    return chosen.size() == 1
        ? "load program %s (%s) of %s"
            .formatted(chosen.getFirst().name(), chosen.getFirst().section(), name)
        : "load " + name;
  }

  /** Frees the programs and maps. Closing twice is harmless. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      LibBpf.bpf_object__close(handle);
      elfMemory.close();
    }
  }

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("BPF object " + name + " is closed");
    }
  }

  void requireUnloaded(String what) {
    requireOpen();
    if (loaded) {
      throw new IllegalStateException(what + ": BPF object " + name + " is loaded; do it before");
    }
  }

  private <T> T find(String kind, Map<String, T> all, String wanted) {
    T found = all.get(wanted);
    if (found == null) {
      throw new IllegalArgumentException(
          "no %s %s in BPF object %s; it has %s".formatted(kind, wanted, name, all.keySet()));
    }
    return found;
  }

  private static <T> void put(Map<String, T> all, T thing, Function<T, String> name) {
    all.put(name.apply(thing), thing);
  }

  private static List<MemorySegment> each(UnaryOperator<MemorySegment> next) {
    List<MemorySegment> all = new ArrayList<>();
    for (MemorySegment one = next.apply(MemorySegment.NULL);
        one.address() != 0;
        one = next.apply(one)) {
      all.add(one);
    }
    return all;
  }

  @Override
  public String toString() {
    return "BpfObject "
        + name
        + programs.keySet().stream().collect(Collectors.joining(", ", " [", "]"));
  }
}
