package dev.sonde.agent.doctor;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.sonde.agent.probe.Attempt;
import dev.sonde.agent.probe.Attempt.Outcome;
import dev.sonde.agent.probe.ProbeReport;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Locale;

/**
 * {@link Findings} for programs. Fields are only ever added to schema {@code sonde.doctor/1}; facts
 * come and go, so look them up by id.
 *
 * <pre>{@code
 * {"schema": "sonde.doctor/1", "version": "0.1.0", "verdict": "ok|degraded|failed",
 *  "trouble": "why no probe could be tried, or empty",
 *  "facts": [{"id": "kernel.release", "category": "kernel", "status": "ok|info|warn|fail|unknown",
 *             "value": "6.18.15", "detail": "", "remedy": ""}],
 *  "probes": [{"probe": "sched", "up": true, "mechanism": "tp_btf", "metrics": ["…"],
 *              "attempts": [{"mechanism": "tp_btf", "outcome": "attached|failed|skipped",
 *                            "reason": "", "remedy": ""}]}]}
 * }</pre>
 */
public final class JsonReport {
  private JsonReport() {}

  /** The text, indented, with a line break at its end. */
  public static String render(Findings findings) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      json.useDefaultPrettyPrinter();
      json.writeStartObject();
      json.writeStringField("schema", "sonde.doctor/1");
      json.writeStringField("version", findings.version());
      json.writeStringField("verdict", findings.verdict().name().toLowerCase(Locale.ROOT));
      json.writeStringField("trouble", findings.trouble());
      json.writeArrayFieldStart("facts");
      for (Fact fact : findings.facts()) {
        fact(json, fact);
      }
      json.writeEndArray();
      json.writeArrayFieldStart("probes");
      for (ProbeReport probe : findings.probes()) {
        probe(json, probe);
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("write JSON into memory", e);
    }
    return text + "\n";
  }

  private static void fact(JsonGenerator json, Fact fact) throws IOException {
    json.writeStartObject();
    json.writeStringField("id", fact.id());
    json.writeStringField("category", fact.category());
    json.writeStringField("status", fact.status().text());
    json.writeStringField("value", fact.value());
    json.writeStringField("detail", fact.detail());
    json.writeStringField("remedy", fact.remedy());
    json.writeEndObject();
  }

  private static void probe(JsonGenerator json, ProbeReport probe) throws IOException {
    json.writeStartObject();
    json.writeStringField("probe", probe.probe());
    json.writeBooleanField("up", probe.up());
    json.writeStringField("mechanism", probe.mechanism());
    json.writeArrayFieldStart("metrics");
    for (String metric : probe.metrics()) {
      json.writeString(metric);
    }
    json.writeEndArray();
    json.writeArrayFieldStart("attempts");
    for (Attempt attempt : probe.attempts()) {
      attempt(json, attempt);
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void attempt(JsonGenerator json, Attempt attempt) throws IOException {
    json.writeStartObject();
    json.writeStringField("mechanism", attempt.mechanism());
    switch (attempt.outcome()) {
      case Outcome.Attached _ -> outcome(json, "attached", "", "");
      case Outcome.Failed failed -> outcome(json, "failed", failed.reason(), failed.remedy());
      case Outcome.Skipped skipped -> outcome(json, "skipped", skipped.reason(), "");
    }
    json.writeEndObject();
  }

  private static void outcome(JsonGenerator json, String outcome, String reason, String remedy)
      throws IOException {
    json.writeStringField("outcome", outcome);
    json.writeStringField("reason", reason);
    json.writeStringField("remedy", remedy);
  }
}
