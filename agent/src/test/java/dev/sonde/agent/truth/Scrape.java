package dev.sonde.agent.truth;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One text exposition, parsed. */
final class Scrape {
  private static final Pattern LINE =
      Pattern.compile("([a-zA-Z_:][\\w:]*)(?:\\{(.*)})? (\\S+)(?: \\d+)?");
  private static final Pattern LABEL = Pattern.compile("(\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\"");

  record Sample(String name, Map<String, String> labels, double value) {
    /** Whether it has these labels: alternating names and values. */
    boolean has(String... labelsAndValues) {
      for (int i = 0; i < labelsAndValues.length; i += 2) {
        if (!labelsAndValues[i + 1].equals(labels.getOrDefault(labelsAndValues[i], ""))) {
          return false;
        }
      }
      return true;
    }
  }

  private final String text;
  private final List<Sample> samples = new ArrayList<>();

  Scrape(String text) {
    this.text = text;
    for (String line : text.split("\n")) {
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      Matcher m = LINE.matcher(line);
      if (!m.matches()) {
        throw new AssertionError("not an exposition line: " + line);
      }
      Map<String, String> labels = new LinkedHashMap<>();
      if (m.group(2) != null) {
        Matcher l = LABEL.matcher(m.group(2));
        while (l.find()) {
          labels.put(l.group(1), l.group(2));
        }
      }
      samples.add(
          new Sample(
              m.group(1), labels, Double.parseDouble(m.group(3).replace("Inf", "Infinity"))));
    }
  }

  /** The page as it was served. */
  String text() {
    return text;
  }

  /** The lines of these metrics, for failure messages. */
  List<String> lines(String... metrics) {
    return text.lines()
        .filter(l -> Arrays.stream(metrics).anyMatch(m -> l.startsWith(m + "{")))
        .toList();
  }

  /** The lines up to their values that are there more than once: none may be. */
  List<String> repeated() {
    Set<String> seen = new HashSet<>();
    return text.lines()
        .filter(l -> !l.startsWith("#"))
        .map(l -> l.substring(0, Math.max(l.lastIndexOf(' '), 0)))
        .filter(l -> !seen.add(l))
        .toList();
  }

  /** Every sample of that name with these labels. */
  List<Sample> samples(String name, String... labelsAndValues) {
    return samples.stream().filter(s -> s.name().equals(name) && s.has(labelsAndValues)).toList();
  }

  /** Their sum; 0 if there is none. */
  double sum(String name, String... labelsAndValues) {
    return samples(name, labelsAndValues).stream().mapToDouble(Sample::value).sum();
  }
}
