package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.guest.Guest;
import dev.sonde.agent.guest.Variant;
import dev.sonde.agent.probe.ProbesInProcess;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Where BPF programs may not read kernel memory the agent runs with what is left, and says what.
 */
@Guest(
    tier = 1,
    kernels = {"6.12"},
    variants = {Variant.CONFIDENTIALITY})
class ConfidentialityGuest {
  @Test
  void startsAndNamesWhatIsMissing() {
    Set<String> probes = ProbesInProcess.ladders().keySet();
    try (AgentProcess agent = AgentProcess.start("--grpc-listen", "off")) {
      Scrape scrape = agent.fresh();
      assertThat(scrape.samples("sonde_jvm_heap_bytes")).as("JVMs need no BPF").isNotEmpty();
      String log = agent.log();
      for (String probe : probes) {
        assertThat(scrape.samples("sonde_probe_up", "probe", probe)).as(probe).hasSize(1);
        if (scrape.sum("sonde_probe_up", "probe", probe) == 0) {
          String line =
              log.lines()
                  .filter(l -> l.contains("probe is down") && l.contains("probe=" + probe + " "))
                  .findFirst()
                  .orElse("");
          assertThat(line).as("%s in\n%s", probe, log).contains("missing=");
          assertThat(line).contains("lockdown (confidentiality)");
        }
      }
      TcpMoved.proof("%s: %s", Expected.GUEST, log);
      assertThat(agent.terminate()).as(agent.log()).isIn(0, 143);
    }
  }

  /** The refusals are the lockdown's, and not a fault that hides behind it. */
  @Test
  void everyRefusalIsTheLockdowns() {
    try (ProbesInProcess all =
        ProbesInProcess.attach(Map.of(), ProbesInProcess.ladders().keySet())) {
      all.reports().stream()
          .filter(report -> !report.up())
          .forEach(report -> assertThat(report.whyDown()).contains("lockdown (confidentiality)"));
    }
  }
}
