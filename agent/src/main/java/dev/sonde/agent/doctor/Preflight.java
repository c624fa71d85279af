package dev.sonde.agent.doctor;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.log.Log;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

/**
 * What must be so before the agent tries anything: asked in the order in which an operator can do
 * something about it, and cheap, since every start pays for it.
 */
public final class Preflight {
  private static final Log LOG = Log.named("preflight");

  private Preflight() {}

  /**
   * Checks privileges, then BTF, then libbpf.
   *
   * @param libbpf opens it; not called if something before it fails
   */
  public static void check(Config config, HostFiles host, Supplier<LibbpfState> libbpf)
      throws StartException {
    List<String> missing = Capabilities.of(host).missing();
    // Root without them is a container to which they were not granted: what comes from files works
    // there, and each probe says what it lacks.
    if (!missing.isEmpty() && host.effectiveUid() != 0) {
      throw new StartException(new StartFailure.NotPrivileged(missing, host.effectiveUid()));
    }
    for (Capabilities.Use use : Capabilities.of(host).missed(host.release())) {
      LOG.warn("capability withheld", "capability", use.name(), "without_it", use.loss());
    }
    if (btf(config, host) instanceof BtfFile.Unusable bad) {
      throw new StartException(new StartFailure.NoBtf(bad.file().toString(), bad.reason()));
    }
    switch (libbpf.get()) {
      case LibbpfState.Usable _ -> {}
      case LibbpfState.Unusable bad ->
          throw new StartException(new StartFailure.NoLibbpf(bad.reason(), bad.remedy()));
    }
  }

  /** The BTF this configuration uses: {@code --btf}, the kernel's, or where libbpf finds it. */
  static BtfFile btf(Config config, HostFiles host) {
    var named = config.get(Options.BTF);
    if (named.isPresent()) {
      return BtfFile.check(named.get());
    }
    BtfFile kernel = BtfFile.check(host.path(BtfFile.KERNEL));
    if (kernel instanceof BtfFile.Usable) {
      return kernel;
    }
    // Where libbpf's btf__load_vmlinux_btf() looks next (btf.c).
    String release = host.release();
    for (String place :
        List.of(
            "/boot/vmlinux-%s",
            "/lib/modules/%s/vmlinux-%s",
            "/lib/modules/%s/build/vmlinux",
            "/usr/lib/modules/%s/kernel/vmlinux",
            "/usr/lib/debug/boot/vmlinux-%s",
            "/usr/lib/debug/boot/vmlinux-%s.debug",
            "/usr/lib/debug/lib/modules/%s/vmlinux")) {
      Path file = host.path(place.replace("%s", release));
      if (Files.isRegularFile(file) && BtfFile.check(file) instanceof BtfFile.Usable found) {
        return found;
      }
    }
    return kernel;
  }
}
