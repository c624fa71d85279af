package dev.sonde.agent.probe;

import dev.sonde.ffi.BpfMap;
import dev.sonde.ffi.EventReader;
import dev.sonde.ffi.KernelFeatures;
import dev.sonde.ffi.PerfBufferReader;
import dev.sonde.ffi.RingBufferReader;

/** Opens the event buffer that the settings chose. */
final class EventReaders {
  private EventReaders() {}

  static EventReader open(BpfMap buffer, KernelSettings settings) {
    if (!settings.perfBuffer()) {
      return RingBufferReader.open(buffer);
    }
    long pages = settings.ringBytes() / settings.cpus() / KernelFeatures.pageSize();
    return PerfBufferReader.open(buffer, Integer.highestOneBit((int) Math.max(pages, 1)));
  }
}
