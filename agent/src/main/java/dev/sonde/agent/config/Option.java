package dev.sonde.agent.config;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Supplier;

/**
 * One row of {@link Options}.
 *
 * {@snippet :
 * Option.of("stale-after", "DURATION", Values.duration(Duration.ZERO, Duration.ofDays(1)))
 *     .withDefault("5m")
 *     .withHelp("how long an ended pod's series stay exposed")
 *     .withExample("10m");
 * }
 *
 * @param name the YAML key; the flag and the variable follow from it
 * @param label what stands for the value in the help: {@code HOST:PORT}
 * @param shape how a flag takes it
 * @param parser text to value
 * @param fallback the text of the default; empty text must mean "not set" to the parser
 * @param help one phrase for {@code --help}
 * @param example a value that is valid, for help and error texts
 * @param places where it may be set
 * @param otherVariables variables beyond {@code SONDE_…} that set it, weaker than that one
 * @param commands the commands whose flags it is; file and environment are read by all
 */
public record Option<T>(
    String name,
    String label,
    Shape shape,
    ValueParser<T> parser,
    Supplier<String> fallback,
    String help,
    String example,
    Set<Place> places,
    List<String> otherVariables,
    Set<Command> commands) {

  /** How a flag takes its value. */
  public enum Shape {
    /** {@code --name VALUE} or {@code --name=VALUE}; the last one counts. */
    VALUE,
    /** As VALUE, and repeatable: all of them joined by commas. */
    LIST,
    /** {@code --name} alone means true. */
    SWITCH
  }

  /** The variables' common start. */
  public static final String VARIABLE_PREFIX = "SONDE_";

  public Option {
    places = Set.copyOf(places);
    otherVariables = List.copyOf(otherVariables);
    commands = Set.copyOf(commands);
  }

  /** A row with a value, for every place and for {@code sonde agent}. */
  public static <T> Option<T> of(String name, String label, ValueParser<T> parser) {
    return new Option<>(
        name,
        label,
        Shape.VALUE,
        parser,
        () -> "",
        "",
        "",
        EnumSet.allOf(Place.class),
        List.of(),
        EnumSet.of(Command.AGENT));
  }

  /** A switch that is off unless said otherwise. */
  public static Option<Boolean> ofSwitch(String name) {
    return of(name, "true|false", Values::bool)
        .withShape(Shape.SWITCH)
        .withDefault("false")
        .withExample("true");
  }

  /** {@code --stale-after}. */
  public String flag() {
    return "--" + name;
  }

  /** {@code SONDE_STALE_AFTER}. */
  public String variable() {
    return VARIABLE_PREFIX + name.toUpperCase(Locale.ROOT).replace('-', '_');
  }

  Option<T> withShape(Shape newShape) {
    return new Option<>(
        name, label, newShape, parser, fallback, help, example, places, otherVariables, commands);
  }

  Option<T> withDefault(String text) {
    return withDefault(() -> text);
  }

  Option<T> withDefault(Supplier<String> text) {
    return new Option<>(
        name, label, shape, parser, text, help, example, places, otherVariables, commands);
  }

  Option<T> withHelp(String text) {
    return new Option<>(
        name, label, shape, parser, fallback, text, example, places, otherVariables, commands);
  }

  Option<T> withExample(String text) {
    return new Option<>(
        name, label, shape, parser, fallback, help, text, places, otherVariables, commands);
  }

  Option<T> onlyIn(Place first, Place... more) {
    return new Option<>(
        name,
        label,
        shape,
        parser,
        fallback,
        help,
        example,
        EnumSet.of(first, more),
        otherVariables,
        commands);
  }

  Option<T> alsoFrom(String variable) {
    return new Option<>(
        name, label, shape, parser, fallback, help, example, places, List.of(variable), commands);
  }

  Option<T> forCommands(Command first, Command... more) {
    return new Option<>(
        name,
        label,
        shape,
        parser,
        fallback,
        help,
        example,
        places,
        otherVariables,
        EnumSet.of(first, more));
  }
}
