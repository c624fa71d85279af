/**
 * Totals of every JVM on the node: collections, garbage collection time, safepoints, heap.
 *
 * <p>{@link dev.sonde.agent.runtime.jvm.JvmDiscovery} finds the processes that map a HotSpot
 * performance data file, {@link dev.sonde.agent.runtime.jvm.HsperfReader} reads that file without
 * touching the process, {@link dev.sonde.agent.runtime.jvm.JvmSums} adds up the JVMs of a
 * container, and {@link dev.sonde.agent.runtime.jvm.JvmSource} does all that once a second.
 */
package dev.sonde.agent.runtime.jvm;
