/**
 * Tests that run under other kernels than this machine's: {@code vmtest/README.md}.
 *
 * <p>{@link dev.sonde.agent.guest.Guest} marks them; {@link dev.sonde.agent.guest.GuestsIT} boots
 * the kernels and reports every test of every guest as one of its own.
 */
@org.jspecify.annotations.NullMarked
package dev.sonde.agent.guest;
