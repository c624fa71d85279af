package dev.sonde.agent.probe;

import dev.sonde.ffi.BpfLink;
import dev.sonde.ffi.BpfObject;
import dev.sonde.ffi.BpfProgram;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What came of one probe's ladder: its report, and the rung that holds, if one does.
 *
 * <p>Owns the rung. Closing detaches its programs; maps that other probes use live on with them.
 */
record AttachedProbe(ProbeReport report, @Nullable Loaded loaded) implements AutoCloseable {
  /** A rung that is loaded and attached. */
  record Loaded(
      Rung rung,
      Rung.Records records,
      BpfObject object,
      List<BpfProgram> programs,
      List<BpfLink> links)
      implements AutoCloseable {
    Loaded {
      programs = List.copyOf(programs);
      links = List.copyOf(links);
    }

    @Override
    public void close() {
      links.forEach(BpfLink::close);
      object.close();
    }
  }

  /** Loaded programs; empty if no rung holds. */
  List<BpfProgram> programs() {
    return loaded == null ? List.of() : loaded.programs();
  }

  /** The loaded program of that name, if the rung has it. */
  @Nullable BpfProgram program(String name) {
    for (BpfProgram p : programs()) {
      if (p.name().equals(name)) {
        return p;
      }
    }
    return null;
  }

  @Override
  public void close() {
    if (loaded != null) {
      loaded.close();
    }
  }
}
