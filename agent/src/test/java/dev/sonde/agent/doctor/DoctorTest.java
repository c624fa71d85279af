package dev.sonde.agent.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.sonde.agent.config.Config;
import dev.sonde.agent.doctor.Findings.Verdict;
import dev.sonde.agent.probe.Attempt;
import dev.sonde.agent.probe.Attempt.Outcome;
import dev.sonde.agent.probe.ProbeReport;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorTest {
  private static final ProbeReport UP =
      new ProbeReport(
          "sched",
          List.of("sonde_sched_run_queue_seconds"),
          List.of(
              new Attempt(
                  "fentry",
                  new Outcome.Failed(
                      "attach: EPERM (Operation not permitted)\n; verifier log", "use tp_btf")),
              new Attempt("tp_btf", new Outcome.Attached()),
              new Attempt("raw_tp", new Outcome.Skipped("tp_btf holds"))));
  private static final ProbeReport DOWN =
      new ProbeReport(
          "tcp_retransmit",
          List.of("sonde_tcp_retransmits_total"),
          List.of(
              new Attempt("tp_btf", new Outcome.Failed("no such hook: ENOENT", "a newer kernel"))));

  @TempDir Path root;
  private HostFolder host = new HostFolder(Path.of("/nowhere"));

  @BeforeEach
  void layOut() throws Exception {
    host = HostFolder.good(root);
  }

  private Findings examine(ProbeReport... probes) {
    return new Doctor(
            Config.defaults(),
            host.files(),
            () -> new LibbpfState.Usable("v1.1", "libbpf.so.1"),
            () -> List.of(Fact.of("cgroup.mode", "mode", Status.OK, "hybrid")),
            () -> List.of(probes))
        .examine("0.1");
  }

  private static Fact fact(Findings findings, String id) {
    return findings.facts().stream().filter(f -> f.id().equals(id)).findFirst().orElseThrow();
  }

  @Test
  void theVerdictFollowsTheProbes() {
    assertThat(examine(UP).verdict()).isEqualTo(Verdict.OK);
    assertThat(examine(UP, DOWN).verdict()).isEqualTo(Verdict.DEGRADED);
    // the JVMs' series need no probe
    assertThat(examine(DOWN).verdict()).isEqualTo(Verdict.DEGRADED);
    assertThat(examine().verdict()).isEqualTo(Verdict.FAILED);
    assertThat(examine().trouble()).isEqualTo("no probe is switched on; see --probes");
  }

  @Test
  void withoutPrivilegesNothingIsTriedAndTheFactsStand() throws Exception {
    host.capabilities(1000, "0000000000000000");
    Findings findings = examine(UP);
    assertThat(findings.probes()).isEmpty();
    assertThat(findings.verdict()).isEqualTo(Verdict.FAILED);
    assertThat(findings.trouble()).startsWith("needs root, or CAP_BPF");
    assertThat(fact(findings, "security.capabilities").value()).isEqualTo("none");
    assertThat(fact(findings, "security.cap_bpf"))
        .satisfies(f -> assertThat(f.status()).isEqualTo(Status.FAIL))
        .satisfies(f -> assertThat(f.detail()).isEqualTo("no BPF program can be loaded"));
    assertThat(fact(findings, "security.cap_sys_ptrace").status()).isEqualTo(Status.WARN);
  }

  @Test
  void aFaultInAProbeCostsNoFacts() {
    Findings findings =
        new Doctor(
                Config.defaults(),
                host.files(),
                () -> new LibbpfState.Usable("v1.1", "libbpf.so.1"),
                List::of,
                () -> {
                  throw new IllegalStateException("oops");
                })
            .examine("0.1");
    assertThat(findings.trouble()).contains("oops");
    assertThat(fact(findings, "kernel.release").value()).isEqualTo("6.18.15");
  }

  @Test
  void capabilitiesAreNamed() throws Exception {
    assertThat(new Capabilities(0x1ffffffffffL).text()).isEqualTo("all 41");
    assertThat(new Capabilities(0x1fffeffffffL).text()).isEqualTo("all but CAP_SYS_RESOURCE");
    assertThat(new Capabilities(0xc000001000L).text())
        .isEqualTo("CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF");
  }

  @Test
  void lockdownIsReadWhereItCanBe() throws Exception {
    host.write("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
    assertThat(fact(examine(UP), "security.lockdown").value()).isEqualTo("integrity");
    host.write("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
    assertThat(fact(examine(UP), "security.lockdown").status()).isEqualTo(Status.FAIL);
    host.write("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
    assertThat(fact(examine(UP), "security.lockdown").status()).isEqualTo(Status.OK);
  }

  @Test
  void lockdownIsInferredWhereItCannotBeRead() throws Exception {
    host.write("/proc/cmdline", "quiet lockdown=integrity\n");
    Fact lockdown = fact(examine(UP), "security.lockdown");
    assertThat(lockdown.value()).isEqualTo("unknown (securityfs not mounted)");
    assertThat(lockdown.detail())
        .isEqualTo(
            "the kernel was booted with lockdown=integrity; not confidentiality, since sched"
                + " attached by tp_btf; fentry is refused with EPERM, as integrity may do");
    assertThat(lockdown.remedy()).contains("mount -t securityfs");
  }

  @Test
  void kernelsAreCompared() {
    assertThat(KernelFacts.isOlder("5.9.16-arch1", 5, 10)).isTrue();
    assertThat(KernelFacts.isOlder("5.10.0-46-cloud-amd64", 5, 10)).isFalse();
    assertThat(KernelFacts.isOlder("6.18.44-fc-v669", 5, 10)).isFalse();
    assertThat(KernelFacts.isOlder("7", 5, 10)).isFalse();
    assertThat(KernelFacts.isOlder("unknown", 5, 10)).isFalse();
  }

  @Test
  void peopleSeeTheLadderAndWhatToDo() {
    String text = TextReport.render(examine(UP, DOWN), StandardCharsets.UTF_8);
    assertThat(text)
        .contains("  ✓ release             6.18.15")
        .contains("cgroup\n  ✓ mode                hybrid\n")
        .contains(
            """
              ✓ sched               tp_btf
                                    fentry: failed: attach: EPERM (Operation not permitted)
                                      hint: use tp_btf
              ! tcp_retransmit      none  (without it: no sonde_tcp_retransmits_total)
                                    tp_btf: failed: no such hook: ENOENT
                                      hint: a newer kernel
            """)
        .endsWith("! 1 of 2 probes up; the others run without the rest\n")
        .doesNotContain("verifier log");
  }

  @Test
  void aTerminalWithoutTicksGetsWords() {
    String text = TextReport.render(examine(UP), StandardCharsets.US_ASCII);
    assertThat(text).contains("  ok   release").endsWith("ok   1 of 1 probes up\n");
    assertThat(StandardCharsets.US_ASCII.newEncoder().canEncode(text)).isTrue();
  }

  @Test
  void jsonIsWellFormedAndHasItsSchema() throws Exception {
    String text = JsonReport.render(examine(UP, DOWN));
    List<String> topLevel = new ArrayList<>();
    try (JsonParser json = new JsonFactory().createParser(text)) {
      int depth = 0;
      for (JsonToken token = json.nextToken(); token != null; token = json.nextToken()) {
        depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
        if (depth == 1 && token == JsonToken.FIELD_NAME) {
          topLevel.add(json.currentName());
        }
      }
    }
    assertThat(topLevel)
        .containsExactly("schema", "version", "verdict", "trouble", "facts", "probes");
    assertThat(text.replaceAll("\\s+", " "))
        .contains("\"schema\" : \"sonde.doctor/1\"")
        .contains("\"verdict\" : \"degraded\"")
        .contains(
            "{ \"mechanism\" : \"tp_btf\", \"outcome\" : \"attached\", \"reason\" : \"\","
                + " \"remedy\" : \"\" }")
        .contains("\\n; verifier log");
  }
}
