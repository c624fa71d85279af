package dev.sonde.agent.probe;

import dev.sonde.agent.probe.AttachedProbe.Loaded;
import dev.sonde.agent.probe.Attempt.Outcome;
import dev.sonde.agent.probe.Rung.Records;
import dev.sonde.bpf.BpfPrograms;
import dev.sonde.ffi.BpfException;
import dev.sonde.ffi.BpfLink;
import dev.sonde.ffi.BpfObject;
import dev.sonde.ffi.BpfProgram;
import dev.sonde.ffi.Hooks;
import dev.sonde.ffi.KernelFeatures;
import dev.sonde.ffi.KernelReads;
import dev.sonde.ffi.OpenOptions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Takes the first rung of a probe's ladder that loads and attaches, and says what became of each.
 *
 * <p>A rung that fails is undone at once and costs nothing afterwards. What the kernel refuses is
 * not thrown: it is in the report.
 */
final class Ladder {
  /** The section of programs that are called, not attached. */
  private static final String ON_DEMAND = "raw_tp";

  private static final String ITERATOR = "iter/";

  /** At most so often the round-trip time of a socket is sampled. */
  private static final long RTT_INTERVAL_NANOS = 10_000_000;

  private final KernelSettings settings;
  private final SharedMaps maps;
  private final Map<String, String> forced;
  private final Hooks hooks = Hooks.of(Probes.DOUBTFUL_HOOKS);
  private final boolean onlyTyped = KernelReads.refused();
  private final Map<String, byte[]> images = new HashMap<>();
  private final Map<String, Loaded> together = new HashMap<>();

  /**
   * Rungs of which it is known without a load what becomes of them; each is made once. By identity,
   * since a record's own hashCode is made of method handles at its first use, in every start.
   */
  private final IdentityHashMap<Rung, BpfException> hopeless = new IdentityHashMap<>();

  /** A rung of {@code spec} that may hold, with those of its programs that may. */
  private record Candidate(ProbeSpec spec, Rung rung, List<String> programs) {}

  /**
   * @param forced probe to the only mechanism that may serve it, {@code --mechanism}
   */
  Ladder(KernelSettings settings, SharedMaps maps, Map<String, String> forced) {
    this.settings = settings;
    this.maps = maps;
    this.forced = Map.copyOf(forced);
  }

  /**
   * Attaches of each of {@code specs} the first rung that is not known to fail, all as one BPF
   * object: libbpf reads the kernel's types (5 MB) for each object that it loads, and searches
   * them. What the kernel refuses in one of them undoes all, and {@link #attach} then tries them
   * one by one, so that a probe that cannot attach never stops the others.
   *
   * @param specs probes of one BPF object
   * @return whether they are attached now
   */
  boolean attachTogether(List<ProbeSpec> specs, Records required) {
    if (specs.size() < 2) {
      return false; // nothing is saved
    }
    Map<String, Loaded> these = new HashMap<>();
    try {
      BpfObject object = open(specs.getFirst().object());
      List<Candidate> chosen = new ArrayList<>();
      for (ProbeSpec spec : specs) {
        Candidate candidate = candidate(object, spec, required);
        if (candidate != null) {
          chosen.add(candidate);
        }
      }
      if (chosen.isEmpty()) {
        object.close();
        return true;
      }
      load(object, chosen.stream().flatMap(c -> c.programs().stream()).toList(), required);
      for (Candidate c : chosen) {
        these.put(c.spec().name(), attached(object, c.rung(), required, c.programs()));
      }
      together.putAll(these);
      return true;
    } catch (BpfException refused) {
      // which of them, and why, comes out when each is tried alone
      these.values().forEach(Loaded::close);
      return false;
    }
  }

  /** The first rung that may hold; null if none may. */
  private @Nullable Candidate candidate(BpfObject object, ProbeSpec spec, Records required) {
    for (Rung rung : spec.ladder()) {
      if (skipReason(spec, rung, required) != null) {
        continue;
      }
      try {
        rung.programs().forEach(name -> hooks.require(object.program(name)));
        return new Candidate(spec, rung, withOptional(object, rung));
      } catch (BpfException e) {
        hopeless.put(rung, e);
      }
    }
    return null;
  }

  /** The rung's programs and those of its optional ones that are not known to fail. */
  private List<String> withOptional(BpfObject object, Rung rung) {
    List<String> programs = new ArrayList<>(rung.programs());
    for (String name : rung.optional()) {
      try {
        hooks.require(object.program(name));
        programs.add(name);
      } catch (BpfException absent) {
        // this kernel does without
      }
    }
    return programs;
  }

  /**
   * @param required where the records of this probe must be kept, because others keep theirs there;
   *     {@code ANY} leaves the choice to the rung
   */
  AttachedProbe attach(ProbeSpec spec, Records required) {
    List<Attempt> attempts = new ArrayList<>();
    Loaded loaded = null;
    for (Rung rung : spec.ladder()) {
      if (loaded != null) {
        attempts.add(
            new Attempt(
                rung.mechanism(),
                new Outcome.Skipped("not needed: " + loaded.rung().mechanism() + " holds")));
        continue;
      }
      String reason = skipReason(spec, rung, required);
      if (reason != null) {
        attempts.add(new Attempt(rung.mechanism(), new Outcome.Skipped(reason)));
        continue;
      }
      Loaded part = together.get(spec.name());
      if (part != null && part.rung().mechanism().equals(rung.mechanism())) {
        loaded = part;
        together.remove(spec.name());
        attempts.add(new Attempt(rung.mechanism(), new Outcome.Attached()));
        continue;
      }
      BpfException known = hopeless.get(rung);
      if (known != null) {
        attempts.add(new Attempt(rung.mechanism(), Refusal.of(known)));
        continue;
      }
      try {
        loaded = load(spec, rung, required == Records.ANY ? rung.records() : required);
        attempts.add(new Attempt(rung.mechanism(), new Outcome.Attached()));
      } catch (BpfException e) {
        attempts.add(new Attempt(rung.mechanism(), Refusal.of(e)));
      }
    }
    return new AttachedProbe(new ProbeReport(spec.name(), spec.metrics(), attempts), loaded);
  }

  /** A report for a probe that is left out. */
  static AttachedProbe leftOut(ProbeSpec spec, String reason) {
    List<Attempt> attempts =
        spec.ladder().stream()
            .map(r -> new Attempt(r.mechanism(), new Outcome.Skipped(reason)))
            .toList();
    return new AttachedProbe(new ProbeReport(spec.name(), spec.metrics(), attempts), null);
  }

  private @Nullable String skipReason(ProbeSpec spec, Rung rung, Records required) {
    String only = forced.get(spec.name());
    if (only != null && !only.equals(rung.mechanism())) {
      return "--mechanism asks for " + only;
    }
    if (only == null && !rung.onlyOnRequest().isEmpty()) {
      return "only with --mechanism %s=%s, since %s"
          .formatted(spec.name(), rung.mechanism(), rung.onlyOnRequest());
    }
    if (required != Records.ANY && rung.records() != Records.ANY && rung.records() != required) {
      return switch (required) {
        case STORAGE -> "works only where tcp_owner keeps owners in a hash";
        case HASH -> "works only where tcp_owner keeps owners in socket storage";
        case ANY -> throw new AssertionError();
      };
    }
    return null;
  }

  /** Detaches what {@link #attachTogether} attached for probes that never asked for it. */
  void closeUnused() {
    // not their object, which others share
    together.values().forEach(unused -> unused.links().forEach(BpfLink::close));
    together.clear();
  }

  /** With the optional programs, or if one of them is refused, without. */
  private Loaded load(ProbeSpec spec, Rung rung, Records records) {
    BpfObject object = open(spec.object());
    List<String> programs = withOptional(object, rung);
    if (programs.size() > rung.programs().size()) {
      try {
        load(object, programs, records);
        return attached(object, rung, records, programs);
      } catch (BpfException refused) {
        // the needed ones alone may still load; if they do not, their own failure is the one to
        // report
        object = open(spec.object());
      }
    }
    load(object, rung.programs(), records);
    return attached(object, rung, records, rung.programs());
  }

  private BpfObject open(String name) {
    byte[] image = images.computeIfAbsent(name, BpfPrograms::read);
    return BpfObject.open(name, image, new OpenOptions(settings.btf()));
  }

  /** Loads {@code wanted} and attaches nothing; if that fails, the object is undone. */
  private void load(BpfObject object, List<String> wanted, Records records) {
    try {
      for (BpfProgram program : object.programs()) {
        program.setAutoload(wanted.contains(program.name()));
        if (wanted.contains(program.name())) {
          hooks.require(program);
        }
      }
      configure(object, records);
      maps.prepare(object, records);
      object.load();
      maps.adopt(object, records);
    } catch (RuntimeException e) {
      maps.forget(object);
      object.close();
      throw e;
    }
  }

  /** Attaches {@code rung}; if that fails, the whole object is undone. */
  private Loaded attached(BpfObject object, Rung rung, Records records, List<String> names) {
    List<BpfLink> links = new ArrayList<>();
    try {
      List<BpfProgram> programs = names.stream().map(object::program).toList();
      for (BpfProgram program : programs) {
        if (!program.section().equals(ON_DEMAND) && !program.section().startsWith(ITERATOR)) {
          links.add(program.attach());
        }
      }
      return new Loaded(rung, records, object, programs, links);
    } catch (RuntimeException e) {
      links.forEach(BpfLink::close);
      maps.forget(object);
      object.close();
      throw e;
    }
  }

  private void configure(BpfObject object, Records records) {
    long storage = records == Records.STORAGE ? 1 : 0;
    if (!object.name().equals("cgroup")) {
      object.setGlobal("max_slots", settings.maxSlots());
      object.setGlobal("cgroup_v1", settings.cgroupV1() ? 1 : 0);
      object.setGlobal("agent_tgid", settings.agentTgid());
      object.setGlobal("only_typed", onlyTyped ? 1 : 0);
    }
    switch (object.name()) {
      case "sched" -> configureSched(object, storage);
      case "cgroup" -> {
        object.setGlobal("cgroup_hierarchy", settings.cgroupHierarchy());
        object.setGlobal("use_perf_buffer", settings.perfBuffer() ? 1 : 0);
      }
      case "tcp" -> {
        object.setGlobal("use_socket_storage", storage);
        object.setGlobal(
            "rtt_interval_jiffies", Math.ceilDiv(RTT_INTERVAL_NANOS, KernelFeatures.jiffyNanos()));
        if (!settings.tcpLongWait().isZero()) {
          object.setGlobal("tcp_long_wait_ns", settings.tcpLongWait().toNanos());
        }
        object.setGlobal("use_perf_buffer", settings.perfBuffer() ? 1 : 0);
      }
      case "process" -> {
        // none of its own
      }
      case "memory" -> object.setGlobal("use_perf_buffer", settings.perfBuffer() ? 1 : 0);
      default ->
          throw new IllegalArgumentException("no settings known for BPF object " + object.name());
    }
  }

  private void configureSched(BpfObject object, long storage) {
    MemoryPlan memory = settings.memory();
    SchedSettings sched = settings.sched();
    object.setGlobal("use_task_storage", storage);
    object.setGlobal("use_perf_buffer", settings.perfBuffer() ? 1 : 0);
    object.setGlobal("near_mask", storage * (memory.nearTasks() - 1));
    object.setGlobal("row_shift", memory.rowShift());
    object.setGlobal("off_cpu", memory.offCpu() ? 1 : 0);
    object.setGlobal("find_neighbours", memory.neighbours() && sched.neighbours() > 0 ? 1 : 0);
    if (!sched.longWait().isZero()) {
      object.setGlobal("long_wait_ns", sched.longWait().toNanos());
    }
    for (int i = 0; i < sched.deadlines().size(); i++) {
      object.setGlobal("deadline" + i, sched.deadlines().get(i).toNanos());
    }
  }
}
