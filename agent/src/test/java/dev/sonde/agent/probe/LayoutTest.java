package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.sonde.bpf.BpfPrograms;
import dev.sonde.ffi.btf.Btf;
import dev.sonde.ffi.btf.LayoutGenerator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The Java views of the kernel's structs are what the committed objects' BTF says. */
class LayoutTest {
  private static final Map<String, List<String>> STRUCTS =
      Map.of(
          "sched", List.of("sched_stats", "cpu_state", "loss_row"),
          "tcp",
              List.of(
                  "tcp_stats",
                  "tcp_retransmit_event",
                  "tcp_connection_stats",
                  "tcp_connection_event",
                  "tcp_latency",
                  "tcp_holdups",
                  "census_row",
                  "listener_row",
                  "container_start_event",
                  "loss_row"),
          "process", List.of("process_stats", "container_start", "loss_row"),
          "memory", List.of("memory_stats", "oom_kill_event", "loss_row"));

  static Stream<Arguments> views() {
    return STRUCTS.entrySet().stream()
        .flatMap(
            e ->
                e.getValue().stream()
                    .flatMap(
                        struct ->
                            Stream.of("x86_64", "aarch64")
                                .map(arch -> arguments(e.getKey(), struct, arch))));
  }

  @ParameterizedTest
  @MethodSource("views")
  void committedViewIsWhatTheObjectSays(String object, String struct, String architecture) {
    String wanted =
        LayoutGenerator.generate(Btf.ofObject(BpfPrograms.read(object, architecture)), struct);
    String file = "ffi-bindings/src/main/java/dev/sonde/ffi/layout/" + camelCase(struct) + ".java";
    assertThat(Repository.read(file))
        .as(
            "%s is not the view of struct %s in %s/%s.bpf.o; run: make layouts",
            file, struct, architecture, object)
        .isEqualTo(wanted);
  }

  private static String camelCase(String struct) {
    StringBuilder out = new StringBuilder();
    for (String word : struct.split("_")) {
      out.append(Character.toUpperCase(word.charAt(0))).append(word, 1, word.length());
    }
    return out.toString();
  }
}
