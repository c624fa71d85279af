package dev.sonde.agent.probe;

import dev.sonde.agent.probe.AttachedProbe.Loaded;
import dev.sonde.agent.probe.Attempt.Outcome;
import dev.sonde.agent.probe.Rung.Records;
import dev.sonde.bpf.BpfPrograms;
import dev.sonde.ffi.BpfException;
import dev.sonde.ffi.BpfLink;
import dev.sonde.ffi.BpfObject;
import dev.sonde.ffi.BpfProgram;
import dev.sonde.ffi.OpenOptions;
import java.util.ArrayList;
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

  private final KernelSettings settings;
  private final SharedMaps maps;
  private final Map<String, String> forced;

  /**
   * @param forced probe to the only mechanism that may serve it, {@code --mechanism}
   */
  Ladder(KernelSettings settings, SharedMaps maps, Map<String, String> forced) {
    this.settings = settings;
    this.maps = maps;
    this.forced = Map.copyOf(forced);
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
      try {
        loaded = load(spec, rung, required == Records.ANY ? rung.records() : required);
        attempts.add(new Attempt(rung.mechanism(), new Outcome.Attached()));
      } catch (BpfException e) {
        attempts.add(new Attempt(rung.mechanism(), new Outcome.Failed(e.reason(), e.hint())));
      }
    }
    return new AttachedProbe(new ProbeReport(spec.name(), spec.metrics(), attempts), loaded);
  }

  /** A report for a probe that the options leave out. */
  static AttachedProbe disabled(ProbeSpec spec) {
    List<Attempt> attempts =
        spec.ladder().stream()
            .map(r -> new Attempt(r.mechanism(), new Outcome.Skipped("switched off by --probes")))
            .toList();
    return new AttachedProbe(new ProbeReport(spec.name(), spec.metrics(), attempts), null);
  }

  private @Nullable String skipReason(ProbeSpec spec, Rung rung, Records required) {
    String only = forced.get(spec.name());
    if (only != null && !only.equals(rung.mechanism())) {
      return "--mechanism asks for " + only;
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

  /** With the optional programs, or if one of them is refused, without. */
  private Loaded load(ProbeSpec spec, Rung rung, Records records) {
    if (!rung.optional().isEmpty()) {
      try {
        return load(spec, rung, records, rung.optional());
      } catch (BpfException refused) {
        // the needed ones alone may still load; if they do not, their own failure is the one to
        // report
      }
    }
    return load(spec, rung, records, List.of());
  }

  private Loaded load(ProbeSpec spec, Rung rung, Records records, List<String> optional) {
    BpfObject object =
        BpfObject.open(
            spec.object(), BpfPrograms.read(spec.object()), new OpenOptions(settings.btf()));
    List<BpfLink> links = new ArrayList<>();
    try {
      List<BpfProgram> programs = new ArrayList<>();
      for (BpfProgram program : object.programs()) {
        boolean wanted =
            rung.programs().contains(program.name()) || optional.contains(program.name());
        program.setAutoload(wanted);
        if (wanted) {
          programs.add(program);
        }
      }
      configure(object, records);
      maps.prepare(object, records);
      object.load();
      maps.adopt(object, records);
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
    object.setGlobal("max_slots", settings.maxSlots());
    object.setGlobal("cgroup_v1", settings.cgroupV1() ? 1 : 0);
    switch (object.name()) {
      case "sched" -> object.setGlobal("use_task_storage", storage);
      case "tcp" -> {
        object.setGlobal("use_socket_storage", storage);
        object.setGlobal("use_perf_buffer", settings.perfBuffer() ? 1 : 0);
      }
      default ->
          throw new IllegalArgumentException("no settings known for BPF object " + object.name());
    }
  }
}
