package dev.sonde.agent.pipeline;

/**
 * Something that has series: a probe's maps, the JVMs of the node, the agent itself.
 *
 * <p>Called by the snapshot thread only, once an interval. Must not block for long: a slow source
 * makes every series old. Throwing costs this source its series of this snapshot and is logged; the
 * others are not affected.
 */
public interface Source {
  void collect(SnapshotBuilder out);
}
