package dev.sonde.ffi;

import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What is known of this kernel's hooks without loading a program, which is dear: for each object
 * libbpf reads all types of the kernel.
 *
 * {@snippet :
 * Hooks hooks = Hooks.of(Set.of("btf_trace_sk_data_ready"));
 * hooks.require(object.program("on_data")); // throws what its load or its attachment would
 * }
 *
 * <p>Used by one thread.
 */
public final class Hooks {
  private final Set<String> absent;
  private final Supplier<Optional<Errno>> functionTracing;
  private boolean functionTracingTried;
  private Optional<Errno> functionTracingRefusal = Optional.empty();

  Hooks(Set<String> absent, Supplier<Optional<Errno>> functionTracing) {
    this.absent = Set.copyOf(absent);
    this.functionTracing = functionTracing;
  }

  /**
   * @param doubtful names of functions, and {@code btf_trace_} names of tracepoints, that only some
   *     kernels have: they are looked up now, and of all others nothing is known
   */
  public static Hooks of(Collection<String> doubtful) {
    return new Hooks(KernelNames.absent(doubtful), FunctionTracing::refusal);
  }

  /**
   * Throws what a load of {@code program} or its attachment would throw for certain; that neither
   * is known to fail does not say that they work.
   *
   * @throws BpfException there is nothing to attach it to, or this kernel refuses all of its kind
   */
  public void require(BpfProgram program) throws BpfException {
    String section = program.section();
    String target = section.substring(section.indexOf('/') + 1);
    switch (section.substring(0, Math.max(0, section.indexOf('/')))) {
      case "kprobe", "kretprobe" -> {
        if (!KernelFeatures.hasKprobes()) {
          throw new BpfException(
              "attach %s to %s".formatted(program.name(), section),
              Errno.ENOENT,
              Hints.attach(Errno.ENOENT, section));
        }
      }
      case "fentry", "fexit" -> {
        functionTracingRefusal()
            .ifPresent(
                errno -> {
                  throw refused(program, errno);
                });
        requireType(program, target);
      }
      case "tp_btf" -> requireType(program, "btf_trace_" + target);
      default -> {
        // nothing is known of the others
      }
    }
  }

  private void requireType(BpfProgram program, String name) {
    if (absent.contains(name)) {
      throw refused(program, Errno.ESRCH);
    }
  }

  private static BpfException refused(BpfProgram program, Errno errno) {
    return new BpfException("load " + program.described(), errno, Hints.load(errno));
  }

  /** Tried once, and only if it matters. */
  private Optional<Errno> functionTracingRefusal() {
    if (!functionTracingTried) {
      functionTracingRefusal = functionTracing.get();
      functionTracingTried = true;
    }
    return functionTracingRefusal;
  }
}
