package dev.sonde.ffi;

/** The map types in use, of {@code enum bpf_map_type}, with the kernel that brought them. */
public enum MapType {
  /** Hash table (3.19). */
  HASH(1),
  /** Array (3.19). */
  ARRAY(2),
  /** One perf buffer per CPU (4.3). */
  PERF_EVENT_ARRAY(4),
  /** A value per CPU behind a hashed key (4.6). */
  PERCPU_HASH(5),
  /** A value per CPU behind an index (4.6). */
  PERCPU_ARRAY(6),
  /** Hash table that drops the least recently used (4.10). */
  LRU_HASH(9),
  /** Like LRU_HASH with a value per CPU (4.10). */
  LRU_PERCPU_HASH(10),
  /** First in, first out (4.20). */
  QUEUE(22),
  /** Last in, first out (4.20). */
  STACK(23),
  /** Values that live with a socket (5.2). */
  SK_STORAGE(24),
  /** One ring for all CPUs (5.8). */
  RINGBUF(27),
  /** Values that live with a task (5.11). */
  TASK_STORAGE(29);

  private final int number;

  MapType(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }

  /** Whether a value is one copy for each possible CPU. */
  static boolean isPerCpu(int number) {
    return number == PERCPU_HASH.number
        || number == PERCPU_ARRAY.number
        || number == LRU_PERCPU_HASH.number;
  }
}
