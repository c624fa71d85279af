/**
 * libbpf for Java over the Foreign Function and Memory API: open, configure, load and attach BPF
 * objects, read their maps, and drain their buffers without upcalls or allocation. It knows nothing
 * of pods or metrics.
 *
 * {@snippet :
 * try (BpfObject object = BpfObject.open("sched", elf, OpenOptions.none())) {
 *   object.setGlobal("min_wait_ns", 1000);
 *   object.load();
 *   try (BpfLink link = object.program("on_switch").attach()) {
 *     object.map("waits").forEach((keys, key, values, value) -> count(keys, key, values, value));
 *   }
 * }
 * }
 *
 * <p>Owners ({@link dev.sonde.ffi.BpfObject}, {@link dev.sonde.ffi.BpfLink}, {@link
 * dev.sonde.ffi.MappedArray}, the {@link dev.sonde.ffi.EventReader}s, {@link
 * dev.sonde.ffi.BpfStatistics}) are {@code AutoCloseable}, and closing twice is harmless. Borrowed
 * things ({@link dev.sonde.ffi.BpfProgram}, {@link dev.sonde.ffi.BpfMap}) have no {@code close()}
 * and end with their object.
 *
 * <p>Needs libbpf 1.0 (Debian package {@code libbpf1}) and kernel 5.10; what needs a newer kernel
 * says so.
 */
package dev.sonde.ffi;
