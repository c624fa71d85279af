/**
 * Proofs: the real agent on this kernel, against sources that are not Sonde's.
 *
 * <p>Every test brackets: it reads the source, the agent, and the source again. All of it needs
 * root and BPF, and fails where they are missing on a machine that should have them.
 */
package dev.sonde.agent.truth;
