package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.probe.Rung.Records;
import dev.sonde.ffi.KernelFeatures;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Probes that share one load, and one among them that the kernel refuses. */
@KernelTest
class LadderKernelIT {
  /**
   * Refused by every verifier: beside socket storage its program's map is not created. It stands in
   * for a probe that some kernel does not want.
   */
  private static final ProbeSpec REFUSED =
      new ProbeSpec(
          "made_up",
          "tcp",
          List.of("nothing"),
          List.of(Rung.of("raw_tp", Records.ANY, "tcp_destroy_raw")));

  private final KernelSettings settings =
      new KernelSettings(64, KernelFeatures.possibleCpus(), false, 0, 1 << 20, false, null);
  private final Ladder ladder = new Ladder(settings, new SharedMaps(settings), Map.of());
  private final List<AttachedProbe> attached = new ArrayList<>();

  @AfterEach
  void detach() {
    attached.forEach(AttachedProbe::close);
    ladder.closeUnused();
  }

  private Set<Object> attachEach(List<ProbeSpec> specs) {
    for (ProbeSpec spec : specs) {
      attached.add(ladder.attach(spec, Records.STORAGE));
    }
    return attached.stream()
        .map(AttachedProbe::loaded)
        .filter(Objects::nonNull)
        .map(AttachedProbe.Loaded::object)
        .collect(Collectors.toSet());
  }

  @Test
  void oneLoadServesAll() {
    assertThat(ladder.attachTogether(Probes.TCP_TYPED, Records.STORAGE)).isTrue();
    assertThat(attachEach(Probes.TCP_TYPED)).as("objects").hasSize(1);
    assertThat(attached).allMatch(p -> p.report().mechanism().equals("tp_btf"));
  }

  @Test
  void oneThatIsRefusedTakesNoOtherWithIt() {
    List<ProbeSpec> specs = new ArrayList<>(Probes.TCP_TYPED);
    specs.add(2, REFUSED);
    assertThat(ladder.attachTogether(specs, Records.STORAGE)).isFalse();
    assertThat(attachEach(specs)).as("objects").hasSize(Probes.TCP_TYPED.size());
    for (AttachedProbe probe : attached) {
      boolean ours = probe.report().probe().equals("made_up");
      assertThat(probe.report().up()).as(probe.report().toString()).isEqualTo(!ours);
    }
    assertThat(attached.get(2).report().whyDown()).contains("tcp_destroy_raw");
  }

  @Test
  void whatNobodyAsksForIsDetachedAndTheOthersStay() {
    assertThat(ladder.attachTogether(Probes.TCP_TYPED, Records.STORAGE)).isTrue();
    attachEach(Probes.TCP_TYPED.subList(0, 2));
    ladder.closeUnused();
    for (AttachedProbe probe : attached) {
      assertThat(probe.programs()).allSatisfy(p -> assertThat(p.fd()).isPositive());
    }
  }
}
