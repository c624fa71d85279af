/**
 * The C side: libbpf and libc, one class per library, with their C names. Nothing outside this
 * package may know a C symbol, and no type of this package appears in the public API.
 */
package dev.sonde.ffi.internal;
