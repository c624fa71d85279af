/**
 * The agent's options: {@link dev.sonde.agent.config.Options} is the one table of them.
 *
 * <p>A row makes the flag {@code --stale-after}, the variable {@code SONDE_STALE_AFTER} and the
 * YAML key {@code stale-after}. A flag wins over the environment, the environment over the file,
 * the file over the default; {@link dev.sonde.agent.config.Setting} remembers which it was.
 */
package dev.sonde.agent.config;
