package dev.sonde.ffi.internal;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * libbpf 1.x by its C names ({@code libbpf.h}, {@code bpf.h}); only symbols that 1.0 has. Its
 * {@code int} functions return a negative errno; its pointer functions return NULL and set errno,
 * which those with a {@code capture} argument keep (read it by {@link #errno}).
 *
 * <p>Call {@link NativeLibraries#requireLibbpf} before the first use, so that a missing library is
 * its typed exception and not an error of this class's initialisation.
 */
@SuppressWarnings("MemberName") // C names, so that a search finds the manual page
public final class LibBpf {
  private static final SymbolLookup LIBRARY = NativeLibraries.requireLibbpf();

  private static final MethodHandle BPF_OBJECT_LOAD =
      Downcalls.link(LIBRARY, "bpf_object__load", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle BPF_OBJECT_CLOSE =
      Downcalls.link(LIBRARY, "bpf_object__close", FunctionDescriptor.ofVoid(ADDRESS));
  private static final MethodHandle BPF_OBJECT_BTF =
      Downcalls.link(LIBRARY, "bpf_object__btf", FunctionDescriptor.of(ADDRESS, ADDRESS));
  private static final MethodHandle BTF_RAW_DATA =
      Downcalls.link(LIBRARY, "btf__raw_data", FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS));
  private static final MethodHandle BPF_OBJECT_NEXT_PROGRAM =
      Downcalls.link(
          LIBRARY, "bpf_object__next_program", FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS));
  private static final MethodHandle BPF_OBJECT_NEXT_MAP =
      Downcalls.link(
          LIBRARY, "bpf_object__next_map", FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS));
  private static final MethodHandle BPF_OBJECT_FIND_MAP_BY_NAME =
      Downcalls.link(
          LIBRARY,
          "bpf_object__find_map_by_name",
          FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS));
  private static final MethodHandle BPF_PROGRAM_NAME =
      Downcalls.link(LIBRARY, "bpf_program__name", FunctionDescriptor.of(ADDRESS, ADDRESS));
  private static final MethodHandle BPF_PROGRAM_SECTION_NAME =
      Downcalls.link(LIBRARY, "bpf_program__section_name", FunctionDescriptor.of(ADDRESS, ADDRESS));
  private static final MethodHandle BPF_PROGRAM_FD =
      Downcalls.link(LIBRARY, "bpf_program__fd", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle BPF_PROGRAM_AUTOLOAD =
      Downcalls.link(
          LIBRARY, "bpf_program__autoload", FunctionDescriptor.of(JAVA_BOOLEAN, ADDRESS));
  private static final MethodHandle BPF_PROGRAM_SET_AUTOLOAD =
      Downcalls.link(
          LIBRARY, "bpf_program__set_autoload", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle BPF_PROGRAM_SET_LOG_BUF =
      Downcalls.link(
          LIBRARY,
          "bpf_program__set_log_buf",
          FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG));
  private static final MethodHandle BPF_LINK_FD =
      Downcalls.link(LIBRARY, "bpf_link__fd", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle BPF_LINK_DESTROY =
      Downcalls.link(LIBRARY, "bpf_link__destroy", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle BPF_MAP_NAME =
      Downcalls.link(LIBRARY, "bpf_map__name", FunctionDescriptor.of(ADDRESS, ADDRESS));
  private static final MethodHandle BPF_MAP_FD =
      Downcalls.link(LIBRARY, "bpf_map__fd", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle BPF_MAP_TYPE =
      Downcalls.link(LIBRARY, "bpf_map__type", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle BPF_MAP_KEY_SIZE =
      Downcalls.link(LIBRARY, "bpf_map__key_size", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle BPF_MAP_VALUE_SIZE =
      Downcalls.link(LIBRARY, "bpf_map__value_size", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle BPF_MAP_MAX_ENTRIES =
      Downcalls.link(LIBRARY, "bpf_map__max_entries", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle BPF_MAP_MAP_FLAGS =
      Downcalls.link(LIBRARY, "bpf_map__map_flags", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle BPF_MAP_SET_MAX_ENTRIES =
      Downcalls.link(
          LIBRARY, "bpf_map__set_max_entries", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle BPF_MAP_SET_VALUE_SIZE =
      Downcalls.link(
          LIBRARY, "bpf_map__set_value_size", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle BPF_MAP_SET_AUTOCREATE =
      Downcalls.link(
          LIBRARY, "bpf_map__set_autocreate", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle BPF_MAP_REUSE_FD =
      Downcalls.link(
          LIBRARY, "bpf_map__reuse_fd", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle BPF_MAP_INITIAL_VALUE =
      Downcalls.link(
          LIBRARY, "bpf_map__initial_value", FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS));
  private static final MethodHandle BPF_ITER_CREATE =
      Downcalls.link(LIBRARY, "bpf_iter_create", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle BPF_PROG_TEST_RUN_OPTS =
      Downcalls.link(
          LIBRARY, "bpf_prog_test_run_opts", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle BPF_OBJ_GET_INFO_BY_FD =
      Downcalls.link(
          LIBRARY,
          "bpf_obj_get_info_by_fd",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle BPF_ENABLE_STATS =
      Downcalls.link(LIBRARY, "bpf_enable_stats", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle BPF_MAP_LOOKUP_ELEM =
      Downcalls.link(
          LIBRARY,
          "bpf_map_lookup_elem",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle BPF_MAP_LOOKUP_AND_DELETE_ELEM =
      Downcalls.link(
          LIBRARY,
          "bpf_map_lookup_and_delete_elem",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle BPF_MAP_UPDATE_ELEM =
      Downcalls.link(
          LIBRARY,
          "bpf_map_update_elem",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG));
  private static final MethodHandle BPF_MAP_DELETE_ELEM =
      Downcalls.link(
          LIBRARY, "bpf_map_delete_elem", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle BPF_MAP_GET_NEXT_KEY =
      Downcalls.link(
          LIBRARY,
          "bpf_map_get_next_key",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle BPF_MAP_LOOKUP_BATCH =
      Downcalls.link(
          LIBRARY,
          "bpf_map_lookup_batch",
          FunctionDescriptor.of(
              JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
  private static final MethodHandle LIBBPF_NUM_POSSIBLE_CPUS =
      Downcalls.link(LIBRARY, "libbpf_num_possible_cpus", FunctionDescriptor.of(JAVA_INT));
  private static final MethodHandle LIBBPF_PROBE_BPF_MAP_TYPE =
      Downcalls.link(
          LIBRARY, "libbpf_probe_bpf_map_type", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle LIBBPF_PROBE_BPF_PROG_TYPE =
      Downcalls.link(
          LIBRARY,
          "libbpf_probe_bpf_prog_type",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle LIBBPF_PROBE_BPF_HELPER =
      Downcalls.link(
          LIBRARY,
          "libbpf_probe_bpf_helper",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle BPF_OBJECT_OPEN_MEM =
      Downcalls.linkErrno(
          LIBRARY,
          "bpf_object__open_mem",
          FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));
  private static final MethodHandle BPF_PROGRAM_ATTACH =
      Downcalls.linkErrno(LIBRARY, "bpf_program__attach", FunctionDescriptor.of(ADDRESS, ADDRESS));

  private LibBpf() {}

  /** Creates the maps and loads the programs. Returns 0 or a negative errno. */
  public static int bpf_object__load(MemorySegment object) {
    try {
      return (int) BPF_OBJECT_LOAD.invokeExact(object);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Frees the object and closes its descriptors. */
  public static void bpf_object__close(MemorySegment object) {
    try {
      BPF_OBJECT_CLOSE.invokeExact(object);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** The object's BTF, offsets of globals filled in; NULL without one. */
  public static MemorySegment bpf_object__btf(MemorySegment object) {
    try {
      return (MemorySegment) BPF_OBJECT_BTF.invokeExact(object);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** The bytes of {@code btf}; their number goes to the u32 {@code size}. */
  public static MemorySegment btf__raw_data(MemorySegment btf, MemorySegment size) {
    try {
      return (MemorySegment) BTF_RAW_DATA.invokeExact(btf, size);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** The program after {@code program}, the first after NULL, NULL at the end. */
  public static MemorySegment bpf_object__next_program(
      MemorySegment object, MemorySegment program) {
    try {
      return (MemorySegment) BPF_OBJECT_NEXT_PROGRAM.invokeExact(object, program);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** The map after {@code map}, the first after NULL, NULL at the end. */
  public static MemorySegment bpf_object__next_map(MemorySegment object, MemorySegment map) {
    try {
      return (MemorySegment) BPF_OBJECT_NEXT_MAP.invokeExact(object, map);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** A map by name; {@code .rodata} and its like by section name. NULL if there is none. */
  public static MemorySegment bpf_object__find_map_by_name(
      MemorySegment object, MemorySegment name) {
    try {
      return (MemorySegment) BPF_OBJECT_FIND_MAP_BY_NAME.invokeExact(object, name);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** The program's C function name. */
  public static MemorySegment bpf_program__name(MemorySegment program) {
    try {
      return (MemorySegment) BPF_PROGRAM_NAME.invokeExact(program);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** The {@code SEC()} it stands in. */
  public static MemorySegment bpf_program__section_name(MemorySegment program) {
    try {
      return (MemorySegment) BPF_PROGRAM_SECTION_NAME.invokeExact(program);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Its descriptor, negative before load. */
  public static int bpf_program__fd(MemorySegment program) {
    try {
      return (int) BPF_PROGRAM_FD.invokeExact(program);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Whether the load includes it: false from the start for {@code SEC("?...")}. */
  public static boolean bpf_program__autoload(MemorySegment program) {
    try {
      return (boolean) BPF_PROGRAM_AUTOLOAD.invokeExact(program);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /**
   * Whether the load includes it. C takes a bool; any int that is 0 or 1 is the same. Returns 0 or
   * a negative errno.
   */
  public static int bpf_program__set_autoload(MemorySegment program, int autoload) {
    try {
      return (int) BPF_PROGRAM_SET_AUTOLOAD.invokeExact(program, autoload);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /**
   * Where the verifier writes. With log level 0 libbpf asks for the log only after a refusal.
   * Returns 0 or a negative errno.
   */
  public static int bpf_program__set_log_buf(
      MemorySegment program, MemorySegment buffer, long size) {
    try {
      return (int) BPF_PROGRAM_SET_LOG_BUF.invokeExact(program, buffer, size);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** The descriptor of a link. */
  public static int bpf_link__fd(MemorySegment link) {
    try {
      return (int) BPF_LINK_FD.invokeExact(link);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Detaches and frees. Returns 0 or a negative errno. */
  public static int bpf_link__destroy(MemorySegment link) {
    try {
      return (int) BPF_LINK_DESTROY.invokeExact(link);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** The map's name. */
  public static MemorySegment bpf_map__name(MemorySegment map) {
    try {
      return (MemorySegment) BPF_MAP_NAME.invokeExact(map);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Its descriptor, negative before load. */
  public static int bpf_map__fd(MemorySegment map) {
    try {
      return (int) BPF_MAP_FD.invokeExact(map);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Its {@code enum bpf_map_type}. */
  public static int bpf_map__type(MemorySegment map) {
    try {
      return (int) BPF_MAP_TYPE.invokeExact(map);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Bytes of a key. */
  public static int bpf_map__key_size(MemorySegment map) {
    try {
      return (int) BPF_MAP_KEY_SIZE.invokeExact(map);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Bytes of a value (of one CPU). */
  public static int bpf_map__value_size(MemorySegment map) {
    try {
      return (int) BPF_MAP_VALUE_SIZE.invokeExact(map);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Capacity. */
  public static int bpf_map__max_entries(MemorySegment map) {
    try {
      return (int) BPF_MAP_MAX_ENTRIES.invokeExact(map);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Its {@code BPF_F_*} flags. */
  public static int bpf_map__map_flags(MemorySegment map) {
    try {
      return (int) BPF_MAP_MAP_FLAGS.invokeExact(map);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Sets the capacity before load. Returns 0 or a negative errno. */
  public static int bpf_map__set_max_entries(MemorySegment map, int entries) {
    try {
      return (int) BPF_MAP_SET_MAX_ENTRIES.invokeExact(map, entries);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Sets the value size before load. Returns 0 or a negative errno. */
  public static int bpf_map__set_value_size(MemorySegment map, int size) {
    try {
      return (int) BPF_MAP_SET_VALUE_SIZE.invokeExact(map, size);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Whether the load creates it (C takes a bool). Returns 0 or a negative errno. */
  public static int bpf_map__set_autocreate(MemorySegment map, int autocreate) {
    try {
      return (int) BPF_MAP_SET_AUTOCREATE.invokeExact(map, autocreate);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /**
   * Uses an existing map instead of creating one; dups {@code fd}. Returns 0 or a negative errno.
   */
  public static int bpf_map__reuse_fd(MemorySegment map, int fd) {
    try {
      return (int) BPF_MAP_REUSE_FD.invokeExact(map, fd);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /**
   * The initial bytes of a data section, writable before load; their number goes to the size_t
   * {@code size}.
   */
  public static MemorySegment bpf_map__initial_value(MemorySegment map, MemorySegment size) {
    try {
      return (MemorySegment) BPF_MAP_INITIAL_VALUE.invokeExact(map, size);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** A descriptor to read an iterator from, or a negative errno. */
  public static int bpf_iter_create(int linkFd) {
    try {
      return (int) BPF_ITER_CREATE.invokeExact(linkFd);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Runs a program once. Returns 0 or a negative errno. */
  public static int bpf_prog_test_run_opts(int fd, MemorySegment options) {
    try {
      return (int) BPF_PROG_TEST_RUN_OPTS.invokeExact(fd, options);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** The kernel's description of a program or map. Returns 0 or a negative errno. */
  public static int bpf_obj_get_info_by_fd(int fd, MemorySegment info, MemorySegment length) {
    try {
      return (int) BPF_OBJ_GET_INFO_BY_FD.invokeExact(fd, info, length);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** A descriptor that keeps run-time statistics on (5.8+), or a negative errno. */
  public static int bpf_enable_stats(int type) {
    try {
      return (int) BPF_ENABLE_STATS.invokeExact(type);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Returns 0 or a negative errno. */
  public static int bpf_map_lookup_elem(int fd, MemorySegment key, MemorySegment value) {
    try {
      return (int) BPF_MAP_LOOKUP_ELEM.invokeExact(fd, key, value);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Pops from a queue or stack with a NULL key. Returns 0 or a negative errno. */
  public static int bpf_map_lookup_and_delete_elem(int fd, MemorySegment key, MemorySegment value) {
    try {
      return (int) BPF_MAP_LOOKUP_AND_DELETE_ELEM.invokeExact(fd, key, value);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Returns 0 or a negative errno. */
  public static int bpf_map_update_elem(
      int fd, MemorySegment key, MemorySegment value, long flags) {
    try {
      return (int) BPF_MAP_UPDATE_ELEM.invokeExact(fd, key, value, flags);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Returns 0 or a negative errno. */
  public static int bpf_map_delete_elem(int fd, MemorySegment key) {
    try {
      return (int) BPF_MAP_DELETE_ELEM.invokeExact(fd, key);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** ENOENT after the last. Returns 0 or a negative errno. */
  public static int bpf_map_get_next_key(int fd, MemorySegment key, MemorySegment next) {
    try {
      return (int) BPF_MAP_GET_NEXT_KEY.invokeExact(fd, key, next);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
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
    try {
      return (int)
          BPF_MAP_LOOKUP_BATCH.invokeExact(fd, inBatch, outBatch, keys, values, count, options);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** CPUs that per-CPU maps have values for, or a negative errno. */
  public static int libbpf_num_possible_cpus() {
    try {
      return (int) LIBBPF_NUM_POSSIBLE_CPUS.invokeExact();
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** 1 supported, 0 not, or a negative errno. */
  public static int libbpf_probe_bpf_map_type(int type, MemorySegment options) {
    try {
      return (int) LIBBPF_PROBE_BPF_MAP_TYPE.invokeExact(type, options);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** 1 supported, 0 not, or a negative errno. */
  public static int libbpf_probe_bpf_prog_type(int type, MemorySegment options) {
    try {
      return (int) LIBBPF_PROBE_BPF_PROG_TYPE.invokeExact(type, options);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** 1 supported, 0 not, or a negative errno. */
  public static int libbpf_probe_bpf_helper(int programType, int helper, MemorySegment options) {
    try {
      return (int) LIBBPF_PROBE_BPF_HELPER.invokeExact(programType, helper, options);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /**
   * Parses an object; NULL and errno in {@code capture} on failure. {@code elf} stays in use until
   * load.
   */
  public static MemorySegment bpf_object__open_mem(
      MemorySegment capture, MemorySegment elf, long size, MemorySegment options) {
    try {
      return (MemorySegment) BPF_OBJECT_OPEN_MEM.invokeExact(capture, elf, size, options);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Attaches by section; NULL and errno in {@code capture} on failure. */
  public static MemorySegment bpf_program__attach(MemorySegment capture, MemorySegment program) {
    try {
      return (MemorySegment) BPF_PROGRAM_ATTACH.invokeExact(capture, program);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** The errno that the last call with {@code capture} left. */
  public static int errno(MemorySegment capture) {
    return Downcalls.errno(capture);
  }
}
