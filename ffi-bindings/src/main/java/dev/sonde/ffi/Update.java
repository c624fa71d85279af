package dev.sonde.ffi;

/** When an update may write; {@code BPF_ANY}, {@code BPF_NOEXIST}, {@code BPF_EXIST}. */
public enum Update {
  /** Create or replace. */
  ANY(0),
  /** Only create; else EEXIST. */
  CREATE(1),
  /** Only replace; else ENOENT. */
  REPLACE(2);

  private final long flag;

  Update(long flag) {
    this.flag = flag;
  }

  long flag() {
    return flag;
  }
}
