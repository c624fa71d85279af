package dev.sonde.ffi;

import java.util.List;

/** Cuts the verifier's text to what a human wants first: the last lines that say why. */
final class VerifierLog {
  /** Enough for the refused instruction, its register state and the reason. */
  static final int LINES = 6;

  private VerifierLog() {}

  /** The last useful lines, indented, then how many others there were. */
  static String summary(String log) {
    List<String> useful =
        log.lines().map(String::stripTrailing).filter(VerifierLog::useful).toList();
    int omitted = Math.max(0, useful.size() - LINES);
    StringBuilder text = new StringBuilder();
    if (omitted > 0) {
      text.append("  (")
          .append(omitted)
          .append(omitted == 1 ? " line" : " lines")
          .append(" omitted)\n");
    }
    useful
        .subList(omitted, useful.size())
        .forEach(line -> text.append("  ").append(line).append('\n'));
    return text.toString().stripTrailing();
  }

  /** The closing statistics tell nothing about the refusal. */
  private static boolean useful(String line) {
    return !line.isBlank()
        && !line.startsWith("processed ")
        && !line.startsWith("verification time ")
        && !line.startsWith("stack depth ");
  }
}
