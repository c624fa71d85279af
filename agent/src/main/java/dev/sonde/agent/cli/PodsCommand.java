package dev.sonde.agent.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.Options;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * {@code sonde pods}: the pods, containers and units of this node by their cgroups, and whether an
 * agent answers.
 *
 * <p>Schema of {@code --json}, {@code sonde.pods/1}; fields are only ever added:
 *
 * <pre>{@code
 * {"schema": "sonde.pods/1",
 *  "agent": {"http": {"endpoint": "127.0.0.1:9520", "state": "ready|not_ready|absent|other",
 *                     "detail": "…"}, "grpc": {…}},
 *  "workloads": [{"namespace": "", "pod": "…", "container": "…", "unit": "", "processes": 2,
 *                 "cgroup": "/kubepods/…", "id": 4711}]}
 * }</pre>
 */
final class PodsCommand {
  private final Config config;
  private final Supplier<Backend> backend;
  private final PrintStream out;

  PodsCommand(Config config, Supplier<Backend> backend, PrintStream out) {
    this.config = config;
    this.backend = backend;
    this.out = out;
  }

  ExitCode run(boolean json) throws CommandException {
    List<PodRow> rows;
    try {
      rows = backend.get().pods(config);
    } catch (IOException e) {
      throw new CommandException(
          "read the cgroups: " + e.getMessage(),
          "name the host's cgroup mount with --cgroup-root DIR",
          e);
    }
    AgentPing http = AgentPing.http(config.get(Options.LISTEN));
    AgentPing grpc = AgentPing.grpc(config.get(Options.GRPC_LISTEN));
    out.print(json ? json(rows, http, grpc) : text(rows, http, grpc));
    return ExitCode.OK;
  }

  private static String text(List<PodRow> rows, AgentPing http, AgentPing grpc) {
    List<String[]> cells = new ArrayList<>();
    cells.add(new String[] {"POD", "CONTAINER", "UNIT", "PROCESSES", "CGROUP"});
    for (PodRow row : rows) {
      // A cgroup's name is the container runtime's or a user's: keep it from moving the cursor.
      cells.add(
          new String[] {
            shown(row.workload().pod()),
            shown(shorten(row.workload().container())),
            shown(row.workload().unit()),
            String.valueOf(row.processes()),
            row.cgroup().replaceAll("\\p{Cntrl}", "?")
          });
    }
    StringBuilder text = new StringBuilder();
    int[] widths = new int[5];
    for (String[] line : cells) {
      for (int i = 0; i < line.length; i++) {
        widths[i] = Math.max(widths[i], line[i].length());
      }
    }
    for (String[] line : cells) {
      for (int i = 0; i < line.length - 1; i++) {
        text.append(line[i]).repeat(' ', widths[i] - line[i].length() + 2);
      }
      text.append(line[line.length - 1]).append('\n');
    }
    text.append("\nagent: http ").append(http.text());
    return text.append("; grpc ").append(grpc.text()).append('\n').toString();
  }

  private static String shown(String value) {
    return value.isEmpty() ? "-" : value.replaceAll("\\p{Cntrl}", "?");
  }

  /** A container id of 64 digits as runtimes show it. */
  private static String shorten(String container) {
    return container.matches("[0-9a-f]{64}") ? container.substring(0, 12) : container;
  }

  private static String json(List<PodRow> rows, AgentPing http, AgentPing grpc) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      json.useDefaultPrettyPrinter();
      json.writeStartObject();
      json.writeStringField("schema", "sonde.pods/1");
      json.writeObjectFieldStart("agent");
      http.write(json, "http");
      grpc.write(json, "grpc");
      json.writeEndObject();
      json.writeArrayFieldStart("workloads");
      for (PodRow row : rows) {
        json.writeStartObject();
        json.writeStringField("namespace", row.workload().namespace());
        json.writeStringField("pod", row.workload().pod());
        json.writeStringField("container", row.workload().container());
        json.writeStringField("unit", row.workload().unit());
        json.writeNumberField("processes", row.processes());
        json.writeStringField("cgroup", row.cgroup());
        json.writeNumberField("id", row.id());
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("write JSON into memory", e);
    }
    return text + "\n";
  }
}
