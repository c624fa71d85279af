package dev.sonde.agent;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.doctor.Fact;
import dev.sonde.agent.doctor.Status;
import dev.sonde.agent.workload.Answer;
import dev.sonde.agent.log.Log;
import dev.sonde.agent.workload.Identities;
import dev.sonde.agent.workload.IdentitySource;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.agent.workload.SourceException;
import java.util.ArrayList;
import java.util.List;

/** The sources of names for the commands that end: {@code sonde doctor}, {@code sonde pods}. */
public final class IdentityFacts {
  private static final Log LOG = Log.named("identity");

  private IdentityFacts() {}

  /** Asks each source once; takes some seconds where one hangs. */
  public static List<Fact> of(Config config) {
    List<Fact> facts = new ArrayList<>();
    for (IdentitySource source : Identity.sources(config)) {
      try (source) {
        facts.add(fact(source));
      }
    }
    facts.add(
        Fact.of("source.cgroup", "cgroup paths", Status.OK, "serves")
            .because("pod UIDs and container ids, where nobody knows a name"));
    return facts;
  }

  /** Asks each source once, so that a listing without an agent has names. */
  public static void name(Config config, PodTable pods) {
    List<Answer> answers = new ArrayList<>();
    for (IdentitySource source : Identity.sources(config)) {
      try (source) {
        if (source.present()) {
          answers.add(source.ask());
        }
      } catch (SourceException e) {
        LOG.warn("source of names does not answer", "source", source.name(), "why", e.reason());
      }
    }
    pods.names(Identities.NONE.with(answers));
    pods.settle();
  }

  private static Fact fact(IdentitySource source) {
    String id = "source." + source.name();
    if (!source.present()) {
      return Fact.of(id, source.name(), Status.INFO, "absent").because(source.absence());
    }
    try {
      Answer answer = source.ask();
      return Fact.of(id, source.name(), Status.OK, "serves")
          .because(
              "%s: %d pods, %d containers"
                  .formatted(answer.detail(), answer.pods().size(), answer.containers().size()));
    } catch (SourceException e) {
      return Fact.of(id, source.name(), Status.WARN, "down")
          .because(e.reason())
          .remedy(e.remedy());
    }
  }
}
