package dev.sonde.agent.config;

import java.util.Locale;
import java.util.Optional;

/** What somebody who mistyped a name may have meant. */
public final class Suggestion {
  private Suggestion() {}

  /** {@code did you mean 'listen'?}, or else {@code otherwise}. */
  public static String didYouMean(String typed, Iterable<String> known, String otherwise) {
    return nearest(typed, known).map(n -> "did you mean '" + n + "'?").orElse(otherwise);
  }

  /** The known name nearest to {@code typed}, if one is near enough to be meant. */
  static Optional<String> nearest(String typed, Iterable<String> known) {
    String best = null;
    // A third of the letters wrong is a typo; more is another word.
    int bestDistance = Math.max(1, typed.length() / 3) + 1;
    for (String name : known) {
      int distance = distance(normal(typed), normal(name));
      if (distance < bestDistance) {
        bestDistance = distance;
        best = name;
      }
    }
    return Optional.ofNullable(best);
  }

  private static String normal(String name) {
    return name.toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Edits from one to the other: insert, delete, replace, swap of neighbours. */
  private static int distance(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        int cost = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        d[i][j] = Math.min(d[i - 1][j - 1] + cost, Math.min(d[i - 1][j], d[i][j - 1]) + 1);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }
}
