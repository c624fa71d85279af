package dev.sonde.ffi;

/** The inner loop over one ring. */
interface RingPass {
  /** As {@link EventReader#drain}. */
  int drain(RecordHandler handler, int maxRecords);

  /** Whether a drain would find a record or a discarded one. */
  boolean hasData();
}
