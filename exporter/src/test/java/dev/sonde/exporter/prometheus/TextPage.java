package dev.sonde.exporter.prometheus;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** Text exposition taken apart again, so that pages can be compared by meaning. */
record TextPage(Map<String, String> headers, Map<String, Double> samples) {
  static TextPage parse(String page) {
    Map<String, String> headers = new LinkedHashMap<>();
    Map<String, Double> samples = new LinkedHashMap<>();
    for (String line : page.split("\n", -1)) {
      if (line.startsWith("# ")) {
        String[] words = line.split(" ", 4);
        headers.put(words[1] + " " + words[2], words[3]);
      } else if (!line.isEmpty()) {
        sample(line, samples);
      }
    }
    return new TextPage(headers, samples);
  }

  private static void sample(String line, Map<String, Double> samples) {
    int i = 0;
    while (line.charAt(i) != '{' && line.charAt(i) != ' ') {
      i++;
    }
    String name = line.substring(0, i);
    Map<String, String> labels = new TreeMap<>();
    if (line.charAt(i) == '{') {
      i++;
      while (line.charAt(i) != '}') {
        int equals = line.indexOf('=', i);
        String label = line.substring(i, equals);
        StringBuilder value = new StringBuilder();
        for (i = equals + 2; line.charAt(i) != '"'; i++) {
          char c = line.charAt(i);
          if (c == '\\') {
            c = line.charAt(++i);
            value.append(c == 'n' ? '\n' : c);
          } else {
            value.append(c);
          }
        }
        i++;
        if (line.charAt(i) == ',') {
          i++;
        }
        String text = value.toString();
        labels.put(label, label.equals("le") ? String.valueOf(number(text)) : text);
      }
      i++;
    }
    Double before = samples.put(name + labels, number(line.substring(i + 1)));
    if (before != null) {
      throw new IllegalArgumentException("twice: " + line);
    }
  }

  private static double number(String s) {
    return switch (s) {
      case "+Inf" -> Double.POSITIVE_INFINITY;
      case "-Inf" -> Double.NEGATIVE_INFINITY;
      default -> Double.parseDouble(s);
    };
  }
}
