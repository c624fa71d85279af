package dev.sonde.agent.config;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * Reads the YAML file: one flat mapping from option to value.
 *
 * <p>Only the composer of the YAML library runs, never a constructor: no tag can make an object. A
 * list option takes {@code [a, b]} and {@code {a: b}} as well as {@code "a,b"} and {@code "a=b"}.
 */
final class ConfigFile {
  private static final int LIMIT = 256 << 10;

  /** A value of the file as text, and where it stands. */
  record Entry(String text, Origin.File origin) {}

  private final Path file;

  private ConfigFile(Path file) {
    this.file = file;
  }

  /** The entries by key. Which keys there are is checked here, what they may hold is not. */
  static Map<String, Entry> read(Path file) throws ConfigException {
    return new ConfigFile(file).parse(text(file));
  }

  private static String text(Path file) throws ConfigException {
    byte[] bytes;
    try {
      // A directory and a device have no size to judge; reading them must not hang or fill memory.
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        throw new ConfigException(file.toString(), "not a file", "name a YAML file with --config");
      }
      if (Files.size(file) > LIMIT) {
        throw new ConfigException(
            file.toString(), "larger than 256 KiB", "name a YAML file with --config");
      }
      bytes = Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new ConfigException(
          file.toString(), "no such file", "create it, or name another one with --config");
    } catch (AccessDeniedException e) {
      throw new ConfigException(
          file.toString(), "permission denied", "make it readable for the user that runs Sonde");
    } catch (IOException e) {
      throw new ConfigException(
          file.toString(), "cannot be read: " + e.getMessage(), "name another one with --config");
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new ConfigException(file.toString(), "not UTF-8 text", "save it as UTF-8");
    }
  }

  private Map<String, Entry> parse(String text) throws ConfigException {
    LoadSettings settings =
        LoadSettings.builder()
            .setLabel(file.toString())
            .setCodePointLimit(LIMIT)
            .setMaxAliasesForCollections(0)
            .setAllowDuplicateKeys(false)
            .build();
    Optional<Node> root;
    try {
      root = new Compose(settings).composeString(text);
    } catch (MarkedYamlEngineException e) {
      throw at(e.getProblemMark(), e.getProblem(), "mend the YAML there");
    } catch (YamlEngineException e) {
      throw new ConfigException(file.toString(), String.valueOf(e.getMessage()), "mend the YAML");
    }
    if (root.isEmpty() || isNull(root.get())) {
      return Map.of();
    }
    if (!(root.get() instanceof MappingNode mapping)) {
      throw at(
          root.get(),
          "not a mapping",
          "write one option a line, for example: listen: 0.0.0.0:9520");
    }
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      String key = key(tuple.getKeyNode());
      Origin.File origin = origin(tuple.getKeyNode().getStartMark());
      Entry before = entries.put(key, new Entry(value(key, tuple.getValueNode()), origin));
      if (before != null) {
        throw at(
            tuple.getKeyNode(),
            "'" + key + "' stands here a second time",
            "keep one; the first is in line " + before.origin().line());
      }
    }
    return entries;
  }

  private String key(Node node) throws ConfigException {
    if (!(node instanceof ScalarNode scalar)) {
      throw at(node, "a key must be an option's name", Options.LISTEN.name() + ", for example");
    }
    String key = scalar.getValue();
    List<String> known = new ArrayList<>();
    for (Option<?> option : Options.ALL) {
      boolean here = option.places().contains(Place.FILE);
      if (option.name().equals(key)) {
        if (here) {
          return key;
        }
        throw at(node, "'" + key + "' cannot be set in a file", "use the flag " + option.flag());
      }
      if (here) {
        known.add(option.name());
      }
    }
    throw at(
        node,
        "unknown key '" + key + "'",
        Suggestion.didYouMean(key, known, "keys are: " + String.join(", ", known)));
  }

  private String value(String key, Node node) throws ConfigException {
    if (!node.getTag().getValue().startsWith("tag:yaml.org,2002:")) {
      throw at(node, "'" + key + "' has the tag " + node.getTag().getValue(), "leave the tag out");
    }
    return switch (node) {
      case ScalarNode scalar -> isNull(scalar) ? "" : scalar.getValue();
      case SequenceNode list -> {
        requireList(key, node);
        List<String> items = new ArrayList<>();
        for (Node item : list.getValue()) {
          items.add(scalar(key, item));
        }
        yield String.join(",", items);
      }
      case MappingNode map -> {
        requireList(key, node);
        List<String> items = new ArrayList<>();
        for (NodeTuple tuple : map.getValue()) {
          items.add(scalar(key, tuple.getKeyNode()) + "=" + scalar(key, tuple.getValueNode()));
        }
        yield String.join(",", items);
      }
      default -> throw at(node, "'" + key + "' is an alias", "write the value itself");
    };
  }

  private void requireList(String key, Node node) throws ConfigException {
    for (Option<?> option : Options.ALL) {
      if (option.name().equals(key) && option.shape() != Option.Shape.LIST) {
        throw at(
            node,
            "'" + key + "' takes one value, not a list or mapping",
            "for example: " + key + ": " + option.example());
      }
    }
  }

  private String scalar(String key, Node node) throws ConfigException {
    if (node instanceof ScalarNode scalar) {
      return scalar.getValue();
    }
    throw at(node, "'" + key + "' is nested too deep", "write a flat list");
  }

  private static boolean isNull(Node node) {
    return node instanceof ScalarNode scalar
        && scalar.getTag().getValue().equals("tag:yaml.org,2002:null");
  }

  private ConfigException at(Node node, String what, String remedy) {
    return at(node.getStartMark(), what, remedy);
  }

  private ConfigException at(Optional<Mark> mark, String what, String remedy) {
    Origin.File origin = origin(mark);
    return new ConfigException(file + ":" + origin.line() + ":" + origin.column(), what, remedy);
  }

  private Origin.File origin(Optional<Mark> mark) {
    return new Origin.File(
        file, mark.map(Mark::getLine).orElse(0) + 1, mark.map(Mark::getColumn).orElse(0) + 1);
  }
}
