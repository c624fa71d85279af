package dev.sonde.agent.cli;

import dev.sonde.agent.config.Command;
import dev.sonde.agent.config.Option;
import dev.sonde.agent.config.Options;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A command line whose every word is beyond doubt: a command, known flags, values that cannot be
 * taken for flags.
 *
 * <p>Why not picocli for these too: its classes are of format 49, which neither CDS nor the AOT
 * cache can hold, and verifying them costs a start some 150 ms of CPU. Anything unusual (help, a
 * typing error, a missing value) is left to picocli; a test holds the two to the same results.
 *
 * @param values option name to the values given, in order
 * @param ownSwitch whether {@link Command#ownSwitch} was given
 */
record PlainArguments(Command command, Map<String, List<String>> values, boolean ownSwitch) {
  /** The arguments as values, or empty: then picocli shall say what they are. */
  static Optional<PlainArguments> parse(String... args) {
    Command command = args.length == 0 ? null : command(args[0]);
    if (command == null) {
      return Optional.empty();
    }
    Map<String, Option<?>> known = new HashMap<>();
    for (Option<?> option : Options.of(command)) {
      known.put(option.flag(), option);
    }
    Map<String, List<String>> values = new HashMap<>();
    boolean ownSwitch = false;
    for (int i = 1; i < args.length; i++) {
      int equals = args[i].indexOf('=');
      String flag = equals < 0 ? args[i] : args[i].substring(0, equals);
      boolean last = i + 1 == args.length || args[i + 1].startsWith("-");
      Option<?> option = known.get(flag);
      String value;
      if (option == null) {
        if (!flag.equals(command.ownSwitch()) || equals >= 0 || !last) {
          return Optional.empty();
        }
        ownSwitch = true;
        continue;
      } else if (equals >= 0) {
        value = args[i].substring(equals + 1);
      } else if (option.shape() == Option.Shape.SWITCH) {
        value = "true";
        if (!last) {
          return Optional.empty();
        }
      } else if (last) {
        return Optional.empty();
      } else {
        value = args[++i];
      }
      if (value.isEmpty()) {
        return Optional.empty();
      }
      values.computeIfAbsent(option.name(), _ -> new ArrayList<>()).add(value);
    }
    return Optional.of(new PlainArguments(command, Map.copyOf(values), ownSwitch));
  }

  private static @Nullable Command command(String name) {
    for (Command command : Command.values()) {
      if (command.text().equals(name)) {
        return command;
      }
    }
    return null;
  }
}
