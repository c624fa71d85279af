package dev.sonde.ffi;

import java.util.Map;

/**
 * A C error number with its symbol and text, as x86_64 and arm64 number them (asm-generic).
 *
 * {@snippet :
 * new Errno(1).toString(); // EPERM (Operation not permitted)
 * }
 *
 * @param number positive, as in {@code errno}; 0 means that none was set
 */
public record Errno(int number) {
  /** Operation not permitted. */
  public static final Errno EPERM = new Errno(1);

  /** No such file, hook, key or type. */
  public static final Errno ENOENT = new Errno(2);

  /** No such process; from libbpf: the kernel's types lack what a program names. */
  public static final Errno ESRCH = new Errno(3);

  /** Interrupted by a signal. */
  public static final Errno EINTR = new Errno(4);

  /** The verifier refused, or permission by file mode. */
  public static final Errno EACCES = new Errno(13);

  /** Try again. */
  public static final Errno EAGAIN = new Errno(11);

  /** Already there. */
  public static final Errno EEXIST = new Errno(17);

  /** Invalid argument; from bpf(2) also: unknown to this kernel. */
  public static final Errno EINVAL = new Errno(22);

  /** No room. */
  public static final Errno ENOSPC = new Errno(28);

  /** Too big; from bpf(2) also: a full map, or a structure newer than this kernel. */
  public static final Errno E2BIG = new Errno(7);

  /** What a file handle stood for is gone. */
  public static final Errno ESTALE = new Errno(116);

  /** Not supported by this kernel or object; a kernel-internal number that bpf(2) lets out. */
  public static final Errno ENOTSUPP = new Errno(524);

  private static final Map<Integer, String[]> KNOWN =
      Map.ofEntries(
          entry(1, "EPERM", "Operation not permitted"),
          entry(2, "ENOENT", "No such file or directory"),
          entry(3, "ESRCH", "No such process"),
          entry(4, "EINTR", "Interrupted system call"),
          entry(5, "EIO", "Input/output error"),
          entry(6, "ENXIO", "No such device or address"),
          entry(7, "E2BIG", "Argument list too long"),
          entry(8, "ENOEXEC", "Exec format error"),
          entry(9, "EBADF", "Bad file descriptor"),
          entry(11, "EAGAIN", "Resource temporarily unavailable"),
          entry(12, "ENOMEM", "Cannot allocate memory"),
          entry(13, "EACCES", "Permission denied"),
          entry(14, "EFAULT", "Bad address"),
          entry(16, "EBUSY", "Device or resource busy"),
          entry(17, "EEXIST", "File exists"),
          entry(19, "ENODEV", "No such device"),
          entry(20, "ENOTDIR", "Not a directory"),
          entry(21, "EISDIR", "Is a directory"),
          entry(22, "EINVAL", "Invalid argument"),
          entry(23, "ENFILE", "Too many open files in system"),
          entry(24, "EMFILE", "Too many open files"),
          entry(25, "ENOTTY", "Inappropriate ioctl for device"),
          entry(28, "ENOSPC", "No space left on device"),
          entry(33, "EDOM", "Numerical argument out of domain"),
          entry(34, "ERANGE", "Numerical result out of range"),
          entry(36, "ENAMETOOLONG", "File name too long"),
          entry(38, "ENOSYS", "Function not implemented"),
          entry(61, "ENODATA", "No data available"),
          entry(75, "EOVERFLOW", "Value too large for defined data type"),
          entry(95, "EOPNOTSUPP", "Operation not supported"),
          entry(105, "ENOBUFS", "No buffer space available"),
          entry(110, "ETIMEDOUT", "Connection timed out"),
          entry(116, "ESTALE", "Stale file handle"),
          entry(524, "ENOTSUPP", "Operation is not supported by this kernel"),
          // libbpf's own numbers, libbpf.h
          entry(4000, "LIBELF", "libelf failed; the object is not a valid ELF file"),
          entry(4001, "FORMAT", "BPF object format invalid"),
          entry(4002, "KVERSION", "Incorrect or no kernel version in the object"),
          entry(4003, "ENDIAN", "Endian mismatch: the object is for another architecture"),
          entry(4004, "INTERNAL", "Internal error in libbpf"),
          entry(4005, "RELOC", "Relocation failed"),
          entry(4006, "LOAD", "Load of the program failed"),
          entry(4007, "VERIFY", "Kernel verifier blocks program loading"),
          entry(4008, "PROG2BIG", "Program too big"),
          entry(4009, "KVER", "Incorrect kernel version"),
          entry(4010, "PROGTYPE", "Kernel doesn't support this program type"));

  private static Map.Entry<Integer, String[]> entry(int number, String name, String text) {
    return Map.entry(number, new String[] {name, text});
  }

  /** From the result of a call that returns a negative errno. */
  static Errno ofResult(long result) {
    return new Errno((int) Math.max(0, -result));
  }

  /** The symbol, such as {@code EPERM}; {@code errno 133} where it has none here. */
  public String name() {
    String[] known = KNOWN.get(number);
    return known == null ? "errno " + number : known[0];
  }

  /** The C library's English text. */
  public String text() {
    String[] known = KNOWN.get(number);
    return known == null ? "Unknown error " + number : known[1];
  }

  /** Written out: a record's own is made of method handles at its first use, in every start. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Errno e && e.number == number;
  }

  @Override
  public int hashCode() {
    return number;
  }

  /** {@code EPERM (Operation not permitted)}. */
  @Override
  public String toString() {
    return name() + " (" + text() + ")";
  }
}
