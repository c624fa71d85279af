/**
 * What this host and this process offer Sonde: the facts, what is missing and what that costs.
 *
 * <p>{@link dev.sonde.agent.doctor.Preflight} asks the few questions without which the agent cannot
 * start; {@link dev.sonde.agent.doctor.Doctor} asks them all, for {@code sonde doctor}.
 */
package dev.sonde.agent.doctor;
