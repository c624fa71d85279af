package dev.sonde.agent.usage;

import dev.sonde.exporter.model.Workload;

/**
 * Whose a network namespace is.
 *
 * @param workload the pod, its container left empty, or the unit, whose processes alone are in it;
 *     one of {@link #HOST} and {@link #SHARED} for all of those that share it
 * @param shared whether several share it
 */
record NetOwner(Workload workload, boolean shared) {
  /** The host's: its own services', and that of the pods with {@code hostNetwork}. */
  static final NetOwner HOST = new NetOwner(Workload.unit("~host-network"), true);

  /** One that several pods or units are in, and that is not the host's. */
  static final NetOwner SHARED = new NetOwner(Workload.unit("~shared-network"), true);

  /** Not found out yet. */
  static final NetOwner NOBODY = new NetOwner(Workload.unit(""), false);

  /** A container's pod, or the unit itself. */
  static NetOwner of(Workload w) {
    return new NetOwner(
        w.isPod() ? new Workload(w.namespace(), w.pod(), "", "", w.uid()) : w, false);
  }

  /** Written out: a record's own is made of method handles at its first use, in every start. */
  @Override
  public boolean equals(Object other) {
    return other instanceof NetOwner o && shared == o.shared && workload.equals(o.workload);
  }

  @Override
  public int hashCode() {
    return 31 * workload.hashCode() + Boolean.hashCode(shared);
  }

  /** Whose it is if this one's processes are in it too. */
  NetOwner with(Workload w) {
    if (equals(HOST) || equals(SHARED)) {
      return this;
    }
    NetOwner other = of(w);
    return equals(NOBODY) || equals(other) ? other : SHARED;
  }
}
