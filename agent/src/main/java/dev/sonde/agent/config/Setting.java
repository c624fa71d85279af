package dev.sonde.agent.config;

/**
 * An option's value and where it came from.
 *
 * @param text the value as it was written
 */
public record Setting<T>(Option<T> option, T value, String text, Origin origin) {}
