package dev.sonde.agent.probe;

import dev.sonde.agent.probe.Rung.Records;
import dev.sonde.ffi.BpfProgram;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * All probes, attached as far as this kernel lets them.
 *
 * {@snippet :
 * try (ProbeSet probes = ProbeSet.attach(settings, Map.of(), name -> true)) {
 *   probes.reports().forEach(System.out::println);
 * }
 * }
 *
 * <p>Owns objects, links and maps; closing detaches everything, closing twice is harmless. Attach
 * and close on one thread.
 */
public final class ProbeSet implements AutoCloseable {
  private final KernelSettings settings;
  private final SharedMaps maps;
  private final List<AttachedProbe> probes;

  private ProbeSet(KernelSettings settings, SharedMaps maps, List<AttachedProbe> probes) {
    this.settings = settings;
    this.maps = maps;
    this.probes = List.copyOf(probes);
  }

  /** Every probe's name to its mechanisms, best first; {@code buffer} to the event buffers. */
  public static Map<String, List<String>> mechanisms() {
    return Probes.mechanisms();
  }

  /**
   * @param forced probe to the only mechanism that may serve it
   * @param enabled which probes are wanted
   */
  public static ProbeSet attach(
      KernelSettings settings, Map<String, String> forced, Predicate<String> enabled) {
    if (asksForHash(forced, enabled)) {
      ProbeSet asked = attach(settings, forced, enabled, Records.HASH);
      if (asked.allUp(enabled)) {
        return asked; // storage could serve fewer
      }
      asked.close();
    }
    ProbeSet storage = attach(settings, forced, enabled, Records.STORAGE);
    Set<String> down = new HashSet<>();
    for (ProbeSpec spec : Probes.TCP) {
      boolean hashOnly = spec.ladder().stream().anyMatch(r -> r.records() == Records.HASH);
      if (hashOnly && enabled.test(spec.name()) && storage.probe(spec).loaded() == null) {
        down.add(spec.name());
      }
    }
    if (down.isEmpty()) {
      return storage; // what is down would gain nothing from owners in a hash
    }
    // What the kernel has no hook for either way is no reason to start all over.
    ProbeSet trial = attach(settings, forced, down::contains, Records.HASH);
    boolean helps = trial.up() > 0;
    trial.close();
    if (!helps) {
      return storage.explainedBy(trial);
    }
    // One TCP probe that needs the hash takes all of them there: owners are kept in one place.
    long up = storage.up();
    storage.close();
    ProbeSet hash = attach(settings, forced, enabled, Records.HASH);
    if (hash.up() > up) {
      return hash.explainedBy(storage);
    }
    hash.close();
    return attach(settings, forced, enabled, Records.STORAGE).explainedBy(hash);
  }

  /** Whether a TCP mechanism is forced that knows its owners from a hash. */
  private static boolean asksForHash(Map<String, String> forced, Predicate<String> enabled) {
    return Probes.TCP.stream()
        .filter(spec -> enabled.test(spec.name()))
        .anyMatch(
            spec ->
                spec.ladder().stream()
                    .filter(rung -> rung.mechanism().equals(forced.get(spec.name())))
                    .anyMatch(rung -> rung.records() == Records.HASH));
  }

  /** But for what only storage can serve. */
  private boolean allUp(Predicate<String> enabled) {
    return probes.stream()
        .filter(p -> enabled.test(p.report().probe()))
        .allMatch(p -> p.loaded() != null || p.report().probe().equals(Probes.TCP_LISTEN.name()));
  }

  /**
   * What the other way of keeping owners met with explains why a rung was not tried in this one.
   */
  private ProbeSet explainedBy(ProbeSet other) {
    List<AttachedProbe> all = new ArrayList<>();
    for (int i = 0; i < probes.size(); i++) {
      AttachedProbe p = probes.get(i);
      all.add(new AttachedProbe(p.report().explainedBy(other.probes.get(i).report()), p.loaded()));
    }
    return new ProbeSet(settings, maps, all);
  }

  private static ProbeSet attach(
      KernelSettings settings,
      Map<String, String> forced,
      Predicate<String> enabled,
      Records tcpRecords) {
    SharedMaps maps = new SharedMaps(settings);
    Ladder ladder = new Ladder(settings, maps, forced);
    List<AttachedProbe> probes = new ArrayList<>();
    try {
      if (!ladder.attachTogether(only(Probes.TCP, enabled), tcpRecords)) {
        ladder.attachTogether(only(Probes.TCP_TYPED, enabled), tcpRecords);
      }
      ladder.attachTogether(only(Probes.PROCESSES, enabled), Records.ANY);
      ladder.attachTogether(only(Probes.MEMORY, enabled), Records.ANY);
      for (ProbeSpec spec : Probes.ALL) {
        if (!enabled.test(spec.name())) {
          probes.add(Ladder.leftOut(spec, "switched off by --probes"));
          continue;
        }
        String missing = missing(spec, probes, enabled);
        if (missing != null) {
          probes.add(Ladder.leftOut(spec, "needs " + missing));
          continue;
        }
        boolean tcp = spec.object().equals(Probes.TCP_OWNER.object());
        probes.add(ladder.attach(spec, tcp ? tcpRecords : Records.ANY));
      }
      ladder.closeUnused();
    } catch (RuntimeException e) {
      probes.forEach(AttachedProbe::close);
      ladder.closeUnused();
      throw e;
    }
    return new ProbeSet(settings, maps, probes);
  }

  private static List<ProbeSpec> only(List<ProbeSpec> specs, Predicate<String> enabled) {
    return specs.stream().filter(spec -> enabled.test(spec.name())).toList();
  }

  /** A probe that it needs and that the kernel refused, with the reason; null if it has all. */
  private static @Nullable String missing(
      ProbeSpec spec, List<AttachedProbe> before, Predicate<String> enabled) {
    for (ProbeSpec need : spec.needs()) {
      for (AttachedProbe probe : before) {
        if (probe.report().probe().equals(need.name())
            && enabled.test(need.name())
            && probe.loaded() == null) {
          return need.name() + ", which is down: " + probe.report().whyDown();
        }
      }
    }
    return null;
  }

  private long up() {
    // what only storage can serve must not outvote a mechanism that only the hash can
    return probes.stream()
        .filter(p -> p.loaded() != null)
        .filter(p -> !p.report().probe().equals(Probes.TCP_LISTEN.name()))
        .count();
  }

  public List<ProbeReport> reports() {
    return probes.stream().map(AttachedProbe::report).toList();
  }

  KernelSettings settings() {
    return settings;
  }

  SharedMaps maps() {
    return maps;
  }

  /** The rows of a map that has some for each slot. */
  SlotRows rows(String map) {
    return new SlotRows(maps.get(map), 1, settings.maxSlots());
  }

  /** The rows of a map that has some for each CPU and slot. */
  SlotRows rowsPerCpu(String map) {
    return new SlotRows(maps.get(map), settings.cpus(), settings.maxSlots());
  }

  Collection<AttachedProbe> probes() {
    return probes;
  }

  AttachedProbe probe(ProbeSpec spec) {
    for (AttachedProbe p : probes) {
      if (p.report().probe().equals(spec.name())) {
        return p;
      }
    }
    throw new IllegalArgumentException("no probe " + spec.name());
  }

  /** The loaded program of that name, whichever probe it is of. */
  @Nullable BpfProgram program(String name) {
    for (AttachedProbe p : probes) {
      BpfProgram program = p.program(name);
      if (program != null) {
        return program;
      }
    }
    return null;
  }

  @Override
  public void close() {
    probes.forEach(AttachedProbe::close);
  }
}
