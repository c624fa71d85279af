package dev.sonde.agent.doctor;

import dev.sonde.agent.probe.Attempt;
import dev.sonde.agent.probe.Attempt.Outcome;
import dev.sonde.agent.probe.ProbeReport;
import java.nio.charset.Charset;

/** {@link Findings} for people: aligned, one fact a line, what to do about it below. */
public final class TextReport {
  private static final int LABEL = 20;

  private final StringBuilder out = new StringBuilder();
  private final boolean symbols;

  private TextReport(boolean symbols) {
    this.symbols = symbols;
  }

  /**
   * @param charset of the terminal: marks are words where it has no ticks
   */
  public static String render(Findings findings, Charset charset) {
    return new TextReport(charset.newEncoder().canEncode("✓✗")).render(findings);
  }

  private String render(Findings findings) {
    String category = "";
    for (Fact fact : findings.facts()) {
      if (!fact.category().equals(category)) {
        category = fact.category();
        heading(category);
      }
      fact(fact);
    }
    heading("probes");
    for (ProbeReport probe : findings.probes()) {
      probe(probe);
    }
    if (!findings.trouble().isEmpty()) {
      out.append("  ").append(mark(Status.FAIL)).append(" not tried: ");
      out.append(findings.trouble()).append('\n');
    }
    out.append('\n').append(verdict(findings)).append('\n');
    return out.toString();
  }

  private void heading(String title) {
    out.append(out.isEmpty() ? "" : "\n").append(title).append('\n');
  }

  private void fact(Fact fact) {
    line(fact.status(), fact.label(), fact.value(), fact.detail());
    more("do: ", fact.remedy());
  }

  private void line(Status status, String label, String value, String detail) {
    out.append("  ").append(mark(status)).append(' ').append(label);
    out.repeat(' ', Math.max(1, LABEL - label.length())).append(value);
    if (!detail.isEmpty()) {
      out.append("  (").append(detail).append(')');
    }
    out.append('\n');
  }

  private void more(String what, String text) {
    if (!text.isEmpty()) {
      // Below the value, so that the eye runs down the labels undisturbed.
      out.repeat(' ', 3 + markWidth() + LABEL).append(what).append(text).append('\n');
    }
  }

  private void probe(ProbeReport probe) {
    line(
        probe.up() ? Status.OK : Status.WARN,
        probe.probe(),
        probe.mechanism(),
        probe.up() ? "" : "without it: no " + String.join(", ", probe.metrics()));
    for (Attempt attempt : probe.attempts()) {
      String mechanism = attempt.mechanism() + ": ";
      switch (attempt.outcome()) {
        case Outcome.Attached _ -> {
          // What comes below it was not needed; JSON has it.
          return;
        }
        case Outcome.Skipped skipped -> more(mechanism, "not tried: " + oneLine(skipped.reason()));
        case Outcome.Failed failed -> {
          more(mechanism, "failed: " + oneLine(failed.reason()));
          more("  hint: ", oneLine(failed.remedy()));
        }
      }
    }
  }

  private String verdict(Findings findings) {
    String counted = findings.up() + " of " + findings.probes().size() + " probes up";
    return switch (findings.verdict()) {
      case OK -> mark(Status.OK) + " " + counted;
      case DEGRADED ->
          mark(Status.WARN)
              + " "
              + counted
              + (findings.up() == 0
                  ? "; sonde_jvm_* and the agent's own series remain"
                  : "; the others run without the rest");
      case FAILED ->
          mark(Status.FAIL)
              + " Sonde cannot run here"
              + (findings.trouble().isEmpty() ? ": " + counted : ": " + findings.trouble());
    };
  }

  private static String oneLine(String text) {
    return text.lines().findFirst().orElse("");
  }

  private int markWidth() {
    return mark(Status.OK).length();
  }

  private String mark(Status status) {
    return switch (status) {
      case OK -> symbols ? "✓" : "ok  ";
      case INFO -> symbols ? "·" : "    ";
      case WARN -> symbols ? "!" : "warn";
      case FAIL -> symbols ? "✗" : "FAIL";
      case UNKNOWN -> symbols ? "?" : "?   ";
    };
  }
}
