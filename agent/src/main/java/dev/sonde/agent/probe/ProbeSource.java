package dev.sonde.agent.probe;

import dev.sonde.agent.pipeline.Source;

/** The series of one probe, read from its maps. Owned by the snapshot thread, close included. */
interface ProbeSource extends Source, AutoCloseable {
  /** Unmaps what it reads. */
  @Override
  void close();
}
