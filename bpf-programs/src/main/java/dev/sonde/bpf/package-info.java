/** The compiled BPF objects, found by name and architecture. */
package dev.sonde.bpf;
