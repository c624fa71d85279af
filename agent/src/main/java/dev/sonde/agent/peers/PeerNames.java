package dev.sonde.agent.peers;

import dev.sonde.exporter.model.Workload;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Which pod has which address, learned from the connections of this node's pods: no API is asked.
 *
 * <p>An address that several pods use, or that a unit of the host uses, is the node's and is
 * nobody's name. Bounded. Owned by the snapshot thread.
 */
final class PeerNames {
  private static final int MOST = 8192;
  private static final Workload SHARED = Workload.OTHER;

  private record Address(long high, long low) {}

  private final Map<Address, Workload> pods = new LinkedHashMap<>();
  private final Predicate<Workload> lives;

  /**
   * @param lives whether a workload's pod is still there
   */
  PeerNames(Predicate<Workload> lives) {
    this.lives = lives;
  }

  /** A workload has a connection from or to its own address. */
  void learn(long high, long low, Workload owner) {
    if (PeerMask.isLoopback(high, low)) {
      return;
    }
    Address address = new Address(high, low);
    Workload known = pods.get(address);
    if (known != null && owner.isPod() && samePod(known, owner)) {
      return;
    }
    boolean free = known == null || (known.isPod() && !lives.test(known));
    pods.remove(address);
    pods.put(address, owner.isPod() && free ? owner : SHARED);
    if (pods.size() > MOST) {
      pods.remove(pods.keySet().iterator().next());
    }
  }

  private static boolean samePod(Workload a, Workload b) {
    return a.namespace().equals(b.namespace()) && a.pod().equals(b.pod());
  }

  /** {@code namespace/pod}; empty if it is not known. */
  String of(long high, long low) {
    Workload owner = pods.get(new Address(high, low));
    if (owner == null || !owner.isPod()) {
      return "";
    }
    return owner.namespace().isEmpty() ? owner.pod() : owner.namespace() + "/" + owner.pod();
  }
}
