package dev.sonde.ffi;

import dev.sonde.ffi.internal.Downcalls;
import dev.sonde.ffi.internal.LibBpf;
import dev.sonde.ffi.internal.Memory;
import dev.sonde.ffi.internal.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One program of a {@link BpfObject}, borrowed from it.
 *
 * {@snippet :
 * BpfProgram program = object.program("on_switch");
 * program.setAutoload(true);
 * object.load();
 * try (BpfLink link = program.attach()) {
 *   ...
 * }
 * }
 *
 * <p>Use it on one thread at a time; {@link #info} may be called by any.
 */
public final class BpfProgram {
  /** {@code union bpf_iter_link_info}, of which only {@code map_fd} is set. */
  private static final int ITERATOR_INFO_SIZE = 16;

  /** {@code struct bpf_iter_attach_opts}: size, link_info, link_info_len. */
  private static final int ITERATOR_OPTIONS_SIZE = 24;

  /** {@code sizeof(struct bpf_test_run_opts)}. */
  private static final int RUN_SIZE = 80;

  private static final long RUN_DATA_IN = 8;
  private static final long RUN_DATA_SIZE_IN = 24;
  private static final long RUN_CTX_IN = 32;
  private static final long RUN_CTX_SIZE_IN = 48;
  private static final long RUN_RETVAL = 56;
  private static final long RUN_DURATION = 64;
  private static final long RUN_FLAGS = 68;
  private static final long RUN_CPU = 72;

  private static final int BPF_F_TEST_RUN_ON_CPU = 1;

  private final BpfObject object;
  private final MemorySegment handle;
  private final String name;
  private final String section;

  BpfProgram(BpfObject object, MemorySegment handle) {
    this.object = object;
    this.handle = handle;
    this.name = Memory.string(LibBpf.bpf_program__name(handle));
    this.section = Memory.string(LibBpf.bpf_program__section_name(handle));
  }

  /** The C function's name. */
  public String name() {
    return name;
  }

  /** The {@code SEC()} it stands in, which says where it attaches. */
  public String section() {
    return section;
  }

  /**
   * The descriptor, borrowed.
   *
   * @throws IllegalStateException it is not loaded
   */
  public int fd() {
    object.requireOpen();
    int fd = LibBpf.bpf_program__fd(handle);
    if (fd < 0) {
      throw new IllegalStateException(
          "program %s is not loaded; load %s first, with autoload on"
              .formatted(name, object.name()));
    }
    return fd;
  }

  /** Whether {@link BpfObject#load} includes it; on unless it stands in {@code SEC("?...")}. */
  public void setAutoload(boolean load) {
    object.requireUnloaded("set autoload of " + name);
    int result = LibBpf.bpf_program__set_autoload(handle, load ? 1 : 0);
    check("set autoload of " + name, result, "");
  }

  /** Whether {@link BpfObject#load} includes it. */
  public boolean autoload() {
    object.requireOpen();
    return LibBpf.bpf_program__autoload(handle);
  }

  /**
   * Attaches it where its section says: tp_btf, raw_tp, tracepoint, kprobe, kretprobe, fentry,
   * fexit, iterator.
   *
   * @return the owner of the attachment
   * @throws BpfException the kernel refused, with the reason where it is known
   */
  public BpfLink attach() throws BpfException {
    // Asked first: libbpf's own answer for an unloaded program is a bare EINVAL.
    int fd = fd();
    assert fd >= 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = Downcalls.newCapture(arena);
      MemorySegment link = LibBpf.bpf_program__attach(capture, handle);
      if (link.address() == 0) {
        Errno errno = new Errno(LibBpf.errno(capture));
        throw new BpfException(
            "attach %s to %s".formatted(name, section), errno, Hints.attach(errno, section));
      }
      return new BpfLink(name, link);
    }
  }

  /**
   * Attaches an iterator over the elements of {@code map} ({@code iter/bpf_sk_storage_map}, {@code
   * iter/bpf_map_elem}); {@link #readIterator(BpfLink)} runs it.
   *
   * @return the owner of the attachment
   * @throws BpfException the kernel refused, with the reason where it is known
   */
  public BpfLink attachIterator(BpfMap map) throws BpfException {
    int fd = fd();
    assert fd >= 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment info = arena.allocate(ITERATOR_INFO_SIZE, 8);
      Native.i32(info, 0, map.fd());
      MemorySegment options = arena.allocate(ITERATOR_OPTIONS_SIZE, 8);
      Native.i64(options, 0, ITERATOR_OPTIONS_SIZE);
      Native.i64(options, 8, info.address());
      Native.i32(options, 16, ITERATOR_INFO_SIZE);
      MemorySegment capture = Downcalls.newCapture(arena);
      MemorySegment link = LibBpf.bpf_program__attach_iter(capture, handle, options);
      if (link.address() == 0) {
        Errno errno = new Errno(LibBpf.errno(capture));
        throw new BpfException(
            "attach %s to map %s".formatted(name, map.name()), errno, Hints.attach(errno, section));
      }
      return new BpfLink(name, link);
    }
  }

  /**
   * Runs an iterator that is attached, once over everything, and returns what it wrote.
   *
   * @throws BpfException the kernel refused
   */
  public byte[] readIterator(BpfLink link) throws BpfException {
    return IteratorOutput.read(name, link.fd());
  }

  /**
   * Runs an iterator program ({@code iter/...}) once over everything and returns what it wrote.
   *
   * @throws BpfException the kernel refused
   */
  public byte[] readIterator() throws BpfException {
    try (BpfLink link = attach()) {
      return IteratorOutput.read(name, link.fd());
    }
  }

  /**
   * Runs the program once by {@code BPF_PROG_TEST_RUN}.
   *
   * @param ctxIn the context, such as the u64 arguments of a raw tracepoint; empty for none
   * @param dataIn the packet for socket and tc programs (at least 14 bytes); empty for none
   * @param cpu where to run a raw tracepoint program, or -1 for here
   * @throws BpfException the kernel refused, for instance because the type cannot be run so
   */
  public TestRun testRun(byte[] ctxIn, byte[] dataIn, int cpu) throws BpfException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment run = arena.allocate(RUN_SIZE, 8);
      Native.i64(run, 0, RUN_SIZE);
      input(arena, run, dataIn, RUN_DATA_IN, RUN_DATA_SIZE_IN);
      input(arena, run, ctxIn, RUN_CTX_IN, RUN_CTX_SIZE_IN);
      if (cpu >= 0) {
        Native.i32(run, RUN_FLAGS, BPF_F_TEST_RUN_ON_CPU);
        Native.i32(run, RUN_CPU, cpu);
      }
      int result = LibBpf.bpf_prog_test_run_opts(fd(), run);
      check("test-run " + name, result, "");
      return new TestRun(
          Native.i32(run, RUN_RETVAL), Integer.toUnsignedLong(Native.i32(run, RUN_DURATION)));
    }
  }

  /**
   * What the kernel knows about it.
   *
   * @throws BpfException the kernel refused
   */
  public ProgramInfo info() throws BpfException {
    return ProgramInfo.read(name, fd());
  }

  MemorySegment handle() {
    return handle;
  }

  /** For messages: what it is, where it stands, and in which object. */
  String described() {
    return "program %s (%s) of %s".formatted(name, section, object.name());
  }

  private static void input(
      Arena arena, MemorySegment run, byte[] bytes, long pointerAt, long sizeAt) {
    if (bytes.length > 0) {
      MemorySegment copy = arena.allocate(bytes.length, 8);
      MemorySegment.copy(bytes, 0, copy, ValueLayout.JAVA_BYTE, 0, bytes.length);
      Native.pointer(run, pointerAt, copy);
      Native.i32(run, sizeAt, bytes.length);
    }
  }

  private static void check(String what, int result, String hint) {
    if (result < 0) {
      throw new BpfException(what, Errno.ofResult(result), hint);
    }
  }

  @Override
  public String toString() {
    return "BpfProgram " + name + " (" + section + ")";
  }
}
