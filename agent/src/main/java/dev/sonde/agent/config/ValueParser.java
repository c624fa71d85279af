package dev.sonde.agent.config;

/** Text to value, with the validation that needs nothing but the text. */
@FunctionalInterface
public interface ValueParser<T> {
  /** The value {@code text} means. */
  T parse(String text) throws BadValueException;
}
