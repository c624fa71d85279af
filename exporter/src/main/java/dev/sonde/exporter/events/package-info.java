/**
 * The way of single events: from the one thread that reads them to any number of watchers.
 *
 * <p>Knows the model and nothing else: no gRPC, no BPF.
 */
package dev.sonde.exporter.events;
