package dev.sonde.agent;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.CriEndpoint;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.config.Origin;
import dev.sonde.agent.workload.IdentityLoop;
import dev.sonde.agent.workload.IdentitySource;
import dev.sonde.agent.workload.PodFacts;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.agent.workload.cri.CriSource;
import dev.sonde.agent.workload.kubelet.KubeletConfig;
import dev.sonde.agent.workload.kubelet.KubeletSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** From the options to the sources of pods' names. */
public final class Identity {
  /** A pod that is not mentioned any more may still have series, for twice this at most. */
  private static final Duration LEAST_KEPT = Duration.ofMinutes(10);

  private Identity() {}

  /** The sources, the most trusted first. The caller closes them. */
  public static List<IdentitySource> sources(Config config) {
    PodFacts facts =
        new PodFacts(config.get(Options.NODE_NAME), config.get(Options.POD_LABELS).kubernetes());
    CriEndpoint cri = config.get(Options.CRI_ENDPOINT);
    List<Path> sockets =
        cri.off() ? List.of() : cri.socket().map(List::of).orElse(CriSource.SOCKETS);
    Path ca = config.get(Options.KUBELET_CA);
    boolean chosen = !(config.setting(Options.KUBELET_CA).origin() instanceof Origin.Default);
    KubeletConfig kubelet =
        new KubeletConfig(
            config.get(Options.KUBELET_ENDPOINT).orElse(null),
            chosen || Files.exists(ca) ? ca : null,
            config.get(Options.KUBELET_INSECURE),
            config.get(Options.KUBELET_TOKEN));
    return List.of(new CriSource(sockets, facts), new KubeletSource(kubelet, facts));
  }

  /** Asks them, once started, for what {@code pods} cannot name. The caller closes it. */
  static IdentityLoop open(Config config, PodTable pods, Runnable named) {
    Duration stale = config.get(Options.STALE_AFTER).plus(config.get(Options.STALE_AFTER));
    Duration keep = stale.compareTo(LEAST_KEPT) > 0 ? stale : LEAST_KEPT;
    return new IdentityLoop(sources(config), pods, keep, named);
  }
}
