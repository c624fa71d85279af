/**
 * Views of the events and keys that the BPF programs write: offsets and accessors over a segment,
 * generated from the objects' BTF by {@link dev.sonde.ffi.btf.LayoutGenerator} and committed.
 */
package dev.sonde.ffi.layout;
