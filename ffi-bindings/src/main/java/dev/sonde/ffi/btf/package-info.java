/**
 * A reader for BTF, the type format that BPF objects carry in their {@code .BTF} section: enough to
 * find settings in {@code .rodata} and to generate the views of {@code dev.sonde.ffi.layout}.
 */
package dev.sonde.ffi.btf;
