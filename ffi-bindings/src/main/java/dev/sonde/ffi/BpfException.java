package dev.sonde.ffi;

/**
 * The kernel or libbpf refused. The message says what failed, the error number, what to do where
 * that is known, and for a refused program the last useful lines of the verifier:
 *
 * <pre>
 * attach on_switch to tp_btf/sched_switch: EPERM (Operation not permitted); grant CAP_BPF and
 * CAP_PERFMON
 * </pre>
 */
public final class BpfException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String reason;
  private final String hint;
  private final int errno;
  private final String verifierLog;

  /** {@code what} failed with {@code errno}; {@code hint} may be empty. */
  public BpfException(String what, Errno errno, String hint) {
    this(what, errno, hint, "");
  }

  /** As above with the verifier's whole text, of which the message shows the end. */
  public BpfException(String what, Errno errno, String hint, String verifierLog) {
    super(message(what, errno, hint, verifierLog));
    this.reason = what + ": " + errno;
    this.hint = hint;
    this.errno = errno.number();
    this.verifierLog = verifierLog;
  }

  /** Why, in C's words. */
  public Errno errno() {
    return new Errno(errno);
  }

  /** What failed and the error number, in one line. */
  public String reason() {
    return reason;
  }

  /** What to do about it; empty where that is not known. */
  public String hint() {
    return hint;
  }

  /** All that the verifier wrote; empty if it was not asked. */
  public String verifierLog() {
    return verifierLog;
  }

  private static String message(String what, Errno errno, String hint, String verifierLog) {
    StringBuilder text = new StringBuilder(what).append(": ").append(errno);
    if (!hint.isEmpty()) {
      text.append("; ").append(hint);
    }
    if (!verifierLog.isBlank()) {
      text.append('\n').append(VerifierLog.summary(verifierLog));
    }
    return text.toString();
  }
}
