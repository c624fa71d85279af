package dev.sonde.ffi.internal;

import static dev.sonde.ffi.internal.Downcalls.call;
import static dev.sonde.ffi.internal.Downcalls.callErrno;
import static dev.sonde.ffi.internal.Downcalls.pointer;
import static dev.sonde.ffi.internal.Downcalls.result;
import static dev.sonde.ffi.internal.Downcalls.symbol;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;

/**
 * libbpf 1.x by its C names ({@code libbpf.h}, {@code bpf.h}); only symbols that 1.0 has. Its
 * {@code int} functions return a negative errno; its pointer functions return NULL and set errno,
 * which those with a {@code capture} argument keep (read it by {@link #errno}).
 *
 * <p>Every function is called through one handle ({@link Downcalls} says why).
 *
 * <p>Call {@link NativeLibraries#requireLibbpf} before the first use, so that a missing library is
 * its typed exception and not an error of this class's initialisation.
 */
@SuppressWarnings("MemberName") // C names, so that a search finds the manual page
public final class LibBpf {
  private static final SymbolLookup LIBRARY = NativeLibraries.requireLibbpf();

  private static final MemorySegment BPF_OBJECT_LOAD = symbol(LIBRARY, "bpf_object__load");
  private static final MemorySegment BPF_OBJECT_CLOSE = symbol(LIBRARY, "bpf_object__close");
  private static final MemorySegment BPF_OBJECT_BTF = symbol(LIBRARY, "bpf_object__btf");
  private static final MemorySegment BTF_RAW_DATA = symbol(LIBRARY, "btf__raw_data");
  private static final MemorySegment BPF_OBJECT_NEXT_PROGRAM =
      symbol(LIBRARY, "bpf_object__next_program");
  private static final MemorySegment BPF_OBJECT_NEXT_MAP = symbol(LIBRARY, "bpf_object__next_map");
  private static final MemorySegment BPF_OBJECT_FIND_MAP_BY_NAME =
      symbol(LIBRARY, "bpf_object__find_map_by_name");
  private static final MemorySegment BPF_PROGRAM_NAME = symbol(LIBRARY, "bpf_program__name");
  private static final MemorySegment BPF_PROGRAM_SECTION_NAME =
      symbol(LIBRARY, "bpf_program__section_name");
  private static final MemorySegment BPF_PROGRAM_FD = symbol(LIBRARY, "bpf_program__fd");
  private static final MemorySegment BPF_PROGRAM_AUTOLOAD =
      symbol(LIBRARY, "bpf_program__autoload");
  private static final MemorySegment BPF_PROGRAM_SET_AUTOLOAD =
      symbol(LIBRARY, "bpf_program__set_autoload");
  private static final MemorySegment BPF_PROGRAM_SET_LOG_BUF =
      symbol(LIBRARY, "bpf_program__set_log_buf");
  private static final MemorySegment BPF_LINK_FD = symbol(LIBRARY, "bpf_link__fd");
  private static final MemorySegment BPF_LINK_DESTROY = symbol(LIBRARY, "bpf_link__destroy");
  private static final MemorySegment BPF_MAP_NAME = symbol(LIBRARY, "bpf_map__name");
  private static final MemorySegment BPF_MAP_FD = symbol(LIBRARY, "bpf_map__fd");
  private static final MemorySegment BPF_MAP_TYPE = symbol(LIBRARY, "bpf_map__type");
  private static final MemorySegment BPF_MAP_KEY_SIZE = symbol(LIBRARY, "bpf_map__key_size");
  private static final MemorySegment BPF_MAP_VALUE_SIZE = symbol(LIBRARY, "bpf_map__value_size");
  private static final MemorySegment BPF_MAP_MAX_ENTRIES = symbol(LIBRARY, "bpf_map__max_entries");
  private static final MemorySegment BPF_MAP_MAP_FLAGS = symbol(LIBRARY, "bpf_map__map_flags");
  private static final MemorySegment BPF_MAP_SET_MAX_ENTRIES =
      symbol(LIBRARY, "bpf_map__set_max_entries");
  private static final MemorySegment BPF_MAP_SET_AUTOCREATE =
      symbol(LIBRARY, "bpf_map__set_autocreate");
  private static final MemorySegment BPF_MAP_REUSE_FD = symbol(LIBRARY, "bpf_map__reuse_fd");
  private static final MemorySegment BPF_MAP_INITIAL_VALUE =
      symbol(LIBRARY, "bpf_map__initial_value");
  private static final MemorySegment BPF_ITER_CREATE = symbol(LIBRARY, "bpf_iter_create");
  private static final MemorySegment BPF_PROG_TEST_RUN_OPTS =
      symbol(LIBRARY, "bpf_prog_test_run_opts");
  private static final MemorySegment BPF_OBJ_GET_INFO_BY_FD =
      symbol(LIBRARY, "bpf_obj_get_info_by_fd");
  private static final MemorySegment BPF_ENABLE_STATS = symbol(LIBRARY, "bpf_enable_stats");
  private static final MemorySegment BPF_MAP_LOOKUP_ELEM = symbol(LIBRARY, "bpf_map_lookup_elem");
  private static final MemorySegment BPF_MAP_LOOKUP_AND_DELETE_ELEM =
      symbol(LIBRARY, "bpf_map_lookup_and_delete_elem");
  private static final MemorySegment BPF_MAP_UPDATE_ELEM = symbol(LIBRARY, "bpf_map_update_elem");
  private static final MemorySegment BPF_MAP_DELETE_ELEM = symbol(LIBRARY, "bpf_map_delete_elem");
  private static final MemorySegment BPF_MAP_GET_NEXT_KEY = symbol(LIBRARY, "bpf_map_get_next_key");
  private static final MemorySegment BPF_MAP_LOOKUP_BATCH = symbol(LIBRARY, "bpf_map_lookup_batch");
  private static final MemorySegment LIBBPF_NUM_POSSIBLE_CPUS =
      symbol(LIBRARY, "libbpf_num_possible_cpus");
  private static final MemorySegment LIBBPF_PROBE_BPF_MAP_TYPE =
      symbol(LIBRARY, "libbpf_probe_bpf_map_type");
  private static final MemorySegment LIBBPF_PROBE_BPF_PROG_TYPE =
      symbol(LIBRARY, "libbpf_probe_bpf_prog_type");
  private static final MemorySegment BPF_PROG_LOAD = symbol(LIBRARY, "bpf_prog_load");
  private static final MemorySegment BPF_OBJECT_OPEN_MEM = symbol(LIBRARY, "bpf_object__open_mem");
  private static final MemorySegment BPF_PROGRAM_ATTACH = symbol(LIBRARY, "bpf_program__attach");
  private static final MemorySegment BPF_PROGRAM_ATTACH_ITER =
      symbol(LIBRARY, "bpf_program__attach_iter");

  private LibBpf() {}

  /** Creates the maps and loads the programs. Returns 0 or a negative errno. */
  public static int bpf_object__load(MemorySegment object) {
    return (int) call(BPF_OBJECT_LOAD, pointer(object));
  }

  /** Frees the object and closes its descriptors. */
  public static void bpf_object__close(MemorySegment object) {
    long ignored = call(BPF_OBJECT_CLOSE, pointer(object)); // void: what the register held
  }

  /** The object's BTF, offsets of globals filled in; NULL without one. */
  public static MemorySegment bpf_object__btf(MemorySegment object) {
    return result(call(BPF_OBJECT_BTF, pointer(object)));
  }

  /** The bytes of {@code btf}; their number goes to the u32 {@code size}. */
  public static MemorySegment btf__raw_data(MemorySegment btf, MemorySegment size) {
    return result(call(BTF_RAW_DATA, pointer(btf), pointer(size)));
  }

  /** The program after {@code program}, the first after NULL, NULL at the end. */
  public static MemorySegment bpf_object__next_program(
      MemorySegment object, MemorySegment program) {
    return result(call(BPF_OBJECT_NEXT_PROGRAM, pointer(object), pointer(program)));
  }

  /** The map after {@code map}, the first after NULL, NULL at the end. */
  public static MemorySegment bpf_object__next_map(MemorySegment object, MemorySegment map) {
    return result(call(BPF_OBJECT_NEXT_MAP, pointer(object), pointer(map)));
  }

  /** A map by name; {@code .rodata} and its like by section name. NULL if there is none. */
  public static MemorySegment bpf_object__find_map_by_name(
      MemorySegment object, MemorySegment name) {
    return result(call(BPF_OBJECT_FIND_MAP_BY_NAME, pointer(object), pointer(name)));
  }

  /** The program's C function name. */
  public static MemorySegment bpf_program__name(MemorySegment program) {
    return result(call(BPF_PROGRAM_NAME, pointer(program)));
  }

  /** The {@code SEC()} it stands in. */
  public static MemorySegment bpf_program__section_name(MemorySegment program) {
    return result(call(BPF_PROGRAM_SECTION_NAME, pointer(program)));
  }

  /** Its descriptor, negative before load. */
  public static int bpf_program__fd(MemorySegment program) {
    return (int) call(BPF_PROGRAM_FD, pointer(program));
  }

  /** Whether the load includes it: false from the start for {@code SEC("?...")}. */
  public static boolean bpf_program__autoload(MemorySegment program) {
    return (byte) call(BPF_PROGRAM_AUTOLOAD, pointer(program)) != 0;
  }

  /**
   * Whether the load includes it. C takes a bool; any int that is 0 or 1 is the same. Returns 0 or
   * a negative errno.
   */
  public static int bpf_program__set_autoload(MemorySegment program, int autoload) {
    return (int) call(BPF_PROGRAM_SET_AUTOLOAD, pointer(program), autoload);
  }

  /**
   * Where the verifier writes. With log level 0 libbpf asks for the log only after a refusal.
   * Returns 0 or a negative errno.
   */
  public static int bpf_program__set_log_buf(
      MemorySegment program, MemorySegment buffer, long size) {
    return (int) call(BPF_PROGRAM_SET_LOG_BUF, pointer(program), pointer(buffer), size);
  }

  /** The descriptor of a link. */
  public static int bpf_link__fd(MemorySegment link) {
    return (int) call(BPF_LINK_FD, pointer(link));
  }

  /** Detaches and frees. Returns 0 or a negative errno. */
  public static int bpf_link__destroy(MemorySegment link) {
    return (int) call(BPF_LINK_DESTROY, pointer(link));
  }

  /** The map's name. */
  public static MemorySegment bpf_map__name(MemorySegment map) {
    return result(call(BPF_MAP_NAME, pointer(map)));
  }

  /** Its descriptor, negative before load. */
  public static int bpf_map__fd(MemorySegment map) {
    return (int) call(BPF_MAP_FD, pointer(map));
  }

  /** Its {@code enum bpf_map_type}. */
  public static int bpf_map__type(MemorySegment map) {
    return (int) call(BPF_MAP_TYPE, pointer(map));
  }

  /** Bytes of a key. */
  public static int bpf_map__key_size(MemorySegment map) {
    return (int) call(BPF_MAP_KEY_SIZE, pointer(map));
  }

  /** Bytes of a value (of one CPU). */
  public static int bpf_map__value_size(MemorySegment map) {
    return (int) call(BPF_MAP_VALUE_SIZE, pointer(map));
  }

  /** Capacity. */
  public static int bpf_map__max_entries(MemorySegment map) {
    return (int) call(BPF_MAP_MAX_ENTRIES, pointer(map));
  }

  /** Its {@code BPF_F_*} flags. */
  public static int bpf_map__map_flags(MemorySegment map) {
    return (int) call(BPF_MAP_MAP_FLAGS, pointer(map));
  }

  /** Sets the capacity before load. Returns 0 or a negative errno. */
  public static int bpf_map__set_max_entries(MemorySegment map, int entries) {
    return (int) call(BPF_MAP_SET_MAX_ENTRIES, pointer(map), entries);
  }

  /** Whether the load creates it (C takes a bool). Returns 0 or a negative errno. */
  public static int bpf_map__set_autocreate(MemorySegment map, int autocreate) {
    return (int) call(BPF_MAP_SET_AUTOCREATE, pointer(map), autocreate);
  }

  /**
   * Uses an existing map instead of creating one; dups {@code fd}. Returns 0 or a negative errno.
   */
  public static int bpf_map__reuse_fd(MemorySegment map, int fd) {
    return (int) call(BPF_MAP_REUSE_FD, pointer(map), fd);
  }

  /**
   * The initial bytes of a data section, writable before load; their number goes to the size_t
   * {@code size}.
   */
  public static MemorySegment bpf_map__initial_value(MemorySegment map, MemorySegment size) {
    return result(call(BPF_MAP_INITIAL_VALUE, pointer(map), pointer(size)));
  }

  /** A descriptor to read an iterator from, or a negative errno. */
  public static int bpf_iter_create(int linkFd) {
    return (int) call(BPF_ITER_CREATE, linkFd);
  }

  /** Runs a program once. Returns 0 or a negative errno. */
  public static int bpf_prog_test_run_opts(int fd, MemorySegment options) {
    return (int) call(BPF_PROG_TEST_RUN_OPTS, fd, pointer(options));
  }

  /** The kernel's description of a program or map. Returns 0 or a negative errno. */
  public static int bpf_obj_get_info_by_fd(int fd, MemorySegment info, MemorySegment length) {
    return (int) call(BPF_OBJ_GET_INFO_BY_FD, fd, pointer(info), pointer(length));
  }

  /** A descriptor that keeps run-time statistics on (5.8+), or a negative errno. */
  public static int bpf_enable_stats(int type) {
    return (int) call(BPF_ENABLE_STATS, type);
  }

  /** Returns 0 or a negative errno. */
  public static int bpf_map_lookup_elem(int fd, MemorySegment key, MemorySegment value) {
    return (int) call(BPF_MAP_LOOKUP_ELEM, fd, pointer(key), pointer(value));
  }

  /** Pops from a queue or stack with a NULL key. Returns 0 or a negative errno. */
  public static int bpf_map_lookup_and_delete_elem(int fd, MemorySegment key, MemorySegment value) {
    return (int) call(BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, pointer(key), pointer(value));
  }

  /** Returns 0 or a negative errno. */
  public static int bpf_map_update_elem(
      int fd, MemorySegment key, MemorySegment value, long flags) {
    return (int) call(BPF_MAP_UPDATE_ELEM, fd, pointer(key), pointer(value), flags);
  }

  /** Returns 0 or a negative errno. */
  public static int bpf_map_delete_elem(int fd, MemorySegment key) {
    return (int) call(BPF_MAP_DELETE_ELEM, fd, pointer(key));
  }

  /** ENOENT after the last. Returns 0 or a negative errno. */
  public static int bpf_map_get_next_key(int fd, MemorySegment key, MemorySegment next) {
    return (int) call(BPF_MAP_GET_NEXT_KEY, fd, pointer(key), pointer(next));
  }

  /** The last batch ends with ENOENT <em>and</em> valid data. Returns 0 or a negative errno. */
  public static int bpf_map_lookup_batch(
      int fd,
      MemorySegment inBatch,
      MemorySegment outBatch,
      MemorySegment keys,
      MemorySegment values,
      MemorySegment count,
      MemorySegment options) {
    return (int)
        call(
            BPF_MAP_LOOKUP_BATCH,
            fd,
            pointer(inBatch),
            pointer(outBatch),
            pointer(keys),
            pointer(values),
            pointer(count),
            pointer(options));
  }

  /** Loads a program without an object. Returns a descriptor or a negative errno. */
  public static int bpf_prog_load(
      int type,
      MemorySegment name,
      MemorySegment license,
      MemorySegment instructions,
      long count,
      MemorySegment options) {
    return (int)
        call(
            BPF_PROG_LOAD,
            type,
            pointer(name),
            pointer(license),
            pointer(instructions),
            count,
            pointer(options),
            0);
  }

  /** CPUs that per-CPU maps have values for, or a negative errno. */
  public static int libbpf_num_possible_cpus() {
    return (int) call(LIBBPF_NUM_POSSIBLE_CPUS);
  }

  /** 1 supported, 0 not, or a negative errno. */
  public static int libbpf_probe_bpf_map_type(int type, MemorySegment options) {
    return (int) call(LIBBPF_PROBE_BPF_MAP_TYPE, type, pointer(options));
  }

  /** 1 supported, 0 not, or a negative errno. */
  public static int libbpf_probe_bpf_prog_type(int type, MemorySegment options) {
    return (int) call(LIBBPF_PROBE_BPF_PROG_TYPE, type, pointer(options));
  }

  /**
   * Parses an object; NULL and errno in {@code capture} on failure. {@code elf} stays in use until
   * load.
   */
  public static MemorySegment bpf_object__open_mem(
      MemorySegment capture, MemorySegment elf, long size, MemorySegment options) {
    return result(callErrno(BPF_OBJECT_OPEN_MEM, capture, pointer(elf), size, pointer(options)));
  }

  /** Attaches by section; NULL and errno in {@code capture} on failure. */
  public static MemorySegment bpf_program__attach(MemorySegment capture, MemorySegment program) {
    return result(callErrno(BPF_PROGRAM_ATTACH, capture, pointer(program)));
  }

  /**
   * Attaches an iterator, to what {@code options} say; NULL and errno in {@code capture} on
   * failure.
   */
  public static MemorySegment bpf_program__attach_iter(
      MemorySegment capture, MemorySegment program, MemorySegment options) {
    return result(callErrno(BPF_PROGRAM_ATTACH_ITER, capture, pointer(program), pointer(options)));
  }

  /** The errno that the last call with {@code capture} left. */
  public static int errno(MemorySegment capture) {
    return Downcalls.errno(capture);
  }
}
